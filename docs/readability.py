"""Holds the pages that people read first to simple English: short sentences, no word that only we understand, and first
of all a sentence about what the page gives.

    python docs/readability.py            says where a page breaks a rule, and exits with 1
"""

from __future__ import annotations

import re
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[1]
PAGES: Final = (
    ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CODE_OF_CONDUCT.md",
    *sorted((ROOT / "docs" / "guides").glob("*.md")), *sorted((ROOT / "docs" / "concepts").glob("*.md")),
)  # fmt: skip
MOST_WORDS: Final = 26
"""Words of one sentence: longer ones are read twice."""
USUAL_WORDS: Final = 14
"""Words of a page's middle sentence."""
INSTEAD: Final = {
    "dear": "expensive", "dearest": "most expensive", "mend": "repair", "mends": "repairs", "gets on": "goes on",
    "bore on": "led to", "its lines": "its log lines", "is said to be over": "is resolved", "therein": "in it",
    "thereof": "of it", "utilize": "use", "utilise": "use", "leverage": "use", "in order to": "to", "whilst": "while",
    "hereby": "", "aforementioned": "this", "seamless": "", "seamlessly": "", "effortlessly": "", "simply": "",
    "just works": "", "robust": "", "cutting-edge": "", "holistic": "", "e.g.": "for example", "i.e.": "that is",
    "turns that round": "does the opposite",
}  # fmt: skip
"""Words that a reader stumbles over, or that say nothing, each with what to write in its place."""

_FIRST = re.compile(r"# .+\n+\w")
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_DROPPED = re.compile(r"<!--[^>]*-->|^\|.*$|^#.*$|!\[[^\]]*\]\([^)]*\)", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_CODE = re.compile(r"`[^`]*`")
_END = re.compile(r"(?<=[.!?:;])\s+|\n\s*\n|\n(?=\s*(?:[-*]|\d+\.)\s)")


def sentences(page: str) -> list[str]:
    """Sentences of a page's running text; code, tables and headings are left out."""
    text = _LINK.sub(r"\1", _DROPPED.sub("", _FENCE.sub("\n\n", page)))
    found = (" ".join(_CODE.sub("code", part).split()) for part in _END.split(text))
    return [each.lstrip("-* ") for each in found if len(each.split()) > 1]


def wrong(page: str) -> Iterator[str]:
    """What breaks a rule on a page."""
    if not _FIRST.match(page):
        yield "after its title it does not say what the reader gets, in a sentence"
    found = sentences(page)
    for sentence in found:
        if len(sentence.split()) > MOST_WORDS:
            yield f"{len(sentence.split())} words: {sentence[:90]}…"
        for word, better in INSTEAD.items():
            if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", sentence, re.IGNORECASE):
                yield f"{word!r} → {better or 'leave it out'}: {sentence[:90]}"
    if found and statistics.median(len(each.split()) for each in found) > USUAL_WORDS:
        yield f"half of its sentences have more than {USUAL_WORDS} words"


def main() -> int:
    """Check every page; returns the exit status."""
    found = [f"{page.relative_to(ROOT)}: {words}" for page in PAGES for words in wrong(page.read_text("utf-8"))]
    sys.stdout.write("".join(f"{each}\n" for each in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
