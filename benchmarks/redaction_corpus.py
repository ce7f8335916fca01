"""What the redactor finds, class by class: recall on what must be masked, false alarms on what must stay.

    python benchmarks/redaction_corpus.py FILE [--mode all] [--presidio MODEL] [--missed] [--page] [--json PATH]

FILE holds one JSON object a line: `label` (`pos` or `neg`), `cls` (the class), `text`, and for `pos` the `secret`
that must not be readable any more. A `pos` line counts as masked when its secret is not in the masked text; a `neg`
line is a false alarm when its text comes back changed. `--missed` prints the lines that went wrong,
`--page` writes the table into docs/redaction.md.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import results
from syndarix_obs.redaction.presidio import presidio
from syndarix_obs.redaction.step import Redactor

Row = dict[str, int]
PAGE = Path(__file__).resolve().parents[1] / "docs" / "redaction.md"
_BLOCK = re.compile(r"(<!-- measured: corpus -->\n).*?(<!-- end: corpus -->)", re.DOTALL)


def judged(lines: Iterable[Mapping[str, Any]], redactor: Redactor) -> tuple[dict[str, Row], list[tuple[str, str, str]]]:
    """Counts by label and class, and what went wrong: class, text, masked text."""
    counts: dict[str, Row] = defaultdict(lambda: {"right": 0, "of": 0})
    wrong: list[tuple[str, str, str]] = []
    for line in lines:
        text, positive = line["text"], line["label"] == "pos"
        masked = redactor.text(text)
        right = line["secret"] not in masked if positive else masked == text
        row = counts[f"{line['label']} {line['cls']}"]
        row["of"] += 1
        row["right"] += right
        if not right:
            wrong.append((line["cls"], text, masked))
    return dict(counts), wrong


def table(counts: Mapping[str, Row]) -> str:
    """Markdown, a line a class, sums last."""
    lines = ["| class | lines | masked | | look-alikes | lines | false alarms |", "|---|---|---|---|---|---|---|"]
    sides = [[(key[4:], row) for key, row in counts.items() if key.startswith(label)] for label in ("pos", "neg")]
    for side in sides:
        side.append(("**all**", {name: sum(row[name] for _, row in side) for name in ("right", "of")}))
    for index in range(max(map(len, sides))):
        left, right = (side[index] if index < len(side) else None for side in sides)
        shown = [f"{left[0]} | {left[1]['of']} | {_percent(left[1]['right'], left[1]['of'])}" if left else " | | "]
        shown += [f"{right[0]} | {right[1]['of']} | {right[1]['of'] - right[1]['right']}" if right else " | | "]
        lines.append(f"| {shown[0]} | | {shown[1]} |")
    return "\n".join(lines)


def _percent(part: int, of: int) -> str:
    return f"{part} ({100 * part / of:.0f}%)" if of else "0"


def main() -> None:
    """Print the table."""
    parser = results.parser(__doc__)
    parser.add_argument("file", type=Path, help="the corpus, JSON lines")
    parser.add_argument("--mode", default="all", choices=("secrets", "all"))
    parser.add_argument("--missed", action="store_true", help="print the lines that went wrong")
    parser.add_argument("--page", action="store_true", help="write the table into docs/redaction.md")
    parser.add_argument("--presidio", metavar="MODEL", help="names and places by Presidio with this spaCy model, too")
    chosen = parser.parse_args()
    lines = [json.loads(line) for line in chosen.file.read_text(encoding="utf-8").splitlines() if line.strip()]
    custom = presidio(chosen.presidio) if chosen.presidio else None
    counts, wrong = judged(lines, Redactor(chosen.mode, custom=custom))
    shown = table(counts)
    print(shown)
    if chosen.page:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(_BLOCK.sub(lambda found: f"{found[1]}\n{shown}\n\n{found[2]}", text), encoding="utf-8")
    if chosen.missed:
        for kind, text, masked in wrong:
            print(f"{kind}: {text[:160]!r} → {masked[:160]!r}")
    results.save(chosen.json, counts)


if __name__ == "__main__":
    main()
