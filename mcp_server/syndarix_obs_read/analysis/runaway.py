"""One session that did most of what a time came to: then nothing was changed, something ran away.

A comparison of means needs several sessions on each side; a session that called a tool two hundred times is one. So
sums are compared by session: what one made of all, beside the most that any session before made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

MOST_OF_IT: Final = 0.5
"""Part of all that a session has to make."""
TIMES_THE_LARGEST: Final = 3.0
"""How many times the largest session before it has to make."""
LEAST_BEFORE: Final = 2
"""Sessions before, without which nobody knows what a session usually makes."""

Sums = Mapping[str, float]
"""What each session made of something, by its id."""


@dataclass(frozen=True, slots=True)
class Runaway:
    """A session that made most of something.

    Args:
        session: its id.
        what: of which sum, such as `cost`.
        amount: what it made, in the unit of the sum.
        part: of all in this time, above `MOST_OF_IT` and at most 1.
        largest_before: the most that a session before made.
        sessions_before: how many there were.
    """

    session: str
    what: str
    amount: float
    part: float
    largest_before: float
    sessions_before: int


def sums(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Amounts summed by session."""
    found: defaultdict[str, float] = defaultdict(float)
    for session, amount in pairs:
        found[session] += amount
    return dict(found)


def runaway(what: str, before: Sums, after: Sums, least: float = 0.0) -> Runaway | None:
    """The session that ran away, if one did.

    Args:
        what: name of the sum.
        before: of each earlier session.
        after: of each session of the time in question.
        least: a smaller amount is never worth a word.
    """
    if len(before) < LEAST_BEFORE or not after:
        return None
    session = max(after, key=lambda each: (after[each], each))
    amount, whole, largest = after[session], sum(after.values()), max(before.values())
    if amount < max(least, TIMES_THE_LARGEST * largest) or amount <= 0 or amount < MOST_OF_IT * whole:
        return None
    return Runaway(session, what, amount, amount / whole, largest, len(before))
