"""The worst input that can be found for each redaction pattern: µs a byte in the worker, gate included.

    python benchmarks/redaction_worst.py [--rounds 40] [--bytes 40000] [--limit 1.0] [--json PATH]

For each pattern a search starts from short texts (pieces of the pattern's own `needs`, and fragments that make regular
expressions work hard), repeats each to a long text, and changes the slowest ones: a fragment more, one less, another.
What is measured is the thread's CPU time of `Redactor("all").text(text)`, the best of two. The exit code is 1 when an
input costs more than the limit.
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Iterator
from functools import partial

import results
from syndarix_obs.redaction.catalogue import patterns
from syndarix_obs.redaction.pattern import Pattern
from syndarix_obs.redaction.step import Redactor

FRAGMENTS = (
    *" \n\t.:-_=/@+\"'\\,;|()[]{}<>&%#",
    *(
        "0",
        "1",
        "12",
        "1234",
        "a",
        "A",
        "aB3",
        "é",
        "中",
        "İ",
        "\u200b",
        "\u2011",
        "%40",
        "&#64;",
        "\\n",
        "\\u0040",
        "\x1b[31m",
    ),
    *(
        "is ",
        "key",
        "token",
        "password",
        "born ",
        "1985-03-14",
        "a@b.co",
        "://a:b@c",
        "sk-",
        "4111 ",
        "eyJ",
        "0x",
        "bc1",
    ),
    *("Ann Lee ", "Street", "12 Aa ", "name: ", "pin 1", "+1 ", "00", "DE89", "1.2.3.4", "::1", "QUJDREVGR0hJSktM"),
    *("=1/", "=Ab..", "=a", ": 1.", "=40.", "born\n4"),
)
_LITERAL = re.compile(r"[A-Za-z0-9 ]{2,}")
_STARTS = 12
_KEPT = 4


def seeds(pattern: Pattern, rng: random.Random) -> Iterator[str]:
    """Short texts to begin with: words that the pattern asks for, alone and with a fragment."""
    words = [word for need in pattern.needs for word in _LITERAL.findall(need)] or ["a"]
    for _ in range(_STARTS):
        yield rng.choice(words) + rng.choice(FRAGMENTS) + rng.choice(("", rng.choice(FRAGMENTS)))


def changed(unit: str, rng: random.Random) -> str:
    """The unit with one fragment more, one character less, or one replaced."""
    place = rng.randrange(len(unit) + 1)
    way = rng.randrange(3)
    if way == 0 or len(unit) < 2:
        return (unit[:place] + rng.choice(FRAGMENTS) + unit[place:])[:60]
    if way == 1:
        return unit[:place] + unit[place + 1 :] or unit
    return unit[:place] + rng.choice(FRAGMENTS) + unit[place + 1 :]


def cost(redactor: Redactor, size: int, unit: str) -> float:
    """µs a byte of the unit repeated to `size` bytes."""
    text = unit * max(1, size // max(1, len(unit.encode())))
    best = float("inf")
    for _ in range(2):
        start = time.thread_time()
        redactor.text(text)
        best = min(best, time.thread_time() - start)
    return best / len(text.encode()) * 1e6


def worst(pattern: Pattern, redactor: Redactor, size: int, rounds: int, rng: random.Random) -> tuple[float, str]:
    """The slowest unit that was found, with its cost."""
    measure = partial(cost, redactor, size)
    found = sorted(((measure(unit), unit) for unit in seeds(pattern, rng)), reverse=True)[:_KEPT]
    for _ in range(rounds):
        unit = changed(rng.choice(found)[1], rng)
        found = sorted({*found, (measure(unit), unit)}, reverse=True)[:_KEPT]
    return found[0]


def main() -> None:
    """Print the table, slowest first."""
    parser = results.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="changes that are tried for each pattern")
    parser.add_argument("--bytes", type=int, default=40_000, help="length of the texts")
    parser.add_argument("--limit", type=float, default=1.0, help="µs a byte that no input may cost more than")
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    redactor, rng = Redactor("all"), random.Random(chosen.seed)
    redactor.prepare()
    rows = []
    for pattern in patterns(personal=True):
        spent, unit = worst(pattern, redactor, chosen.bytes, chosen.rounds, rng)
        rows.append((spent, pattern.name, unit))
    rows.sort(reverse=True)
    print("| µs a byte | pattern | repeated |\n|---|---|---|")
    for spent, name, unit in rows[:30]:
        print(f"| {spent:.2f} | {name} | `{unit!r}` |")
    results.save(chosen.json, [{"us_per_byte": spent, "pattern": name, "unit": unit} for spent, name, unit in rows])
    if rows[0][0] > chosen.limit:
        sys.exit(f"{rows[0][0]:.2f} µs a byte is more than {chosen.limit}: {rows[0][2]!r}")


if __name__ == "__main__":
    main()
