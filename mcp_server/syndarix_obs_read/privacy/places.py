"""What an erasure needs of every place that can hold a person's data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

Note = dict[str, Any]
"""What a place has to remember between two runs of one erasure: it is kept on disk until everything is gone."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom an erasure is about.

    Args:
        pseudonym: as it stands in the records.
        sessions: names of the person's sessions, as the caller chose them.
        traces: traces in which this person took part and nobody else.
        first_ns: time of the earliest record known, nanoseconds since the epoch; 0 when none is.
    """

    pseudonym: str
    sessions: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    first_ns: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of sessions that tell them from other texts."""
        return tuple(each for each in self.sessions if len(each) > _SHORTEST)

    @property
    def needles(self) -> tuple[bytes, ...]:
        """What must not be found in any file afterwards."""
        return tuple(each.encode() for each in (self.pseudonym, *self.names))


_SHORTEST = 5
"""A session called `chat` would be found in everybody's text."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the person is gone from a place.

    Args:
        gone: nothing was found.
        checked: how that was looked for, in words.
        left: what was found.
        why: why it is not gone yet, or what could not be looked at.
        gone_by: when it will be gone, as an ISO date and time; None when that cannot be said.
    """

    gone: bool
    checked: str
    left: int = 0
    why: str = ""
    gone_by: str | None = None


class EraseSource(Protocol):
    """One place. The class says what it is, `find`, `erase` and `verify` do it; all may raise `ReadError` or OSError.

    `erase` may be called again at any time, also after it was killed halfway.
    """

    name: str
    """Of the place, as in receipts."""
    holds: str
    """What of a person it can hold."""
    kept: str
    """How long it keeps that by itself."""
    method: str
    """How the person leaves it."""
    retries: bool
    """Whether `erase` is worth another try at once when `verify` still finds something."""
    destinations: frozenset[str]
    """Names of the write side's destinations whose data lies here."""

    def find(self, person: Person) -> int:
        """How many rows, lines, traces or files there are of the person."""
        ...

    def erase(self, person: Person, note: Note) -> int:
        """Take the person out; returns how many of them that were, as far as can be told."""
        ...

    def verify(self, person: Person, note: Note) -> Verdict:
        """Look whether the person is gone, in the bytes where they can be reached."""
        ...

    def owns(self, path: Path) -> bool:
        """Whether a file of the home folder belongs to this place."""
        ...


@runtime_checkable
class Knowing(Protocol):
    """A place that knows what the files at home may not know of a person."""

    def learn(self, person: Person) -> Person:
        """The person with the names of sessions that are known here."""
        ...


class NotAtHome:
    """A place with no file in the home folder."""

    def owns(self, path: Path) -> bool:  # noqa: ARG002 - protocol
        """None."""
        return False


@dataclass(slots=True)
class Progress:
    """How far an erasure is in one place."""

    state: str = "open"
    """`open`, `erased` (not yet verified, or not gone yet) or `gone`."""
    count: int = 0
    checked: str = ""
    verified_at: str | None = None
    why: str = ""
    gone_by: str | None = None
    note: Note = field(default_factory=dict)


def total(counts: Iterable[int]) -> int:
    """Sum of counts; -1, which stands for `cannot be told`, counts nothing."""
    return sum(each for each in counts if each > 0)
