"""Whether it is one record that a destination fails on, or the destination that fails.

A 500 says neither. So the request is made smaller until its first record stands alone, and then others are sent in its
place: if the destination takes those and goes on failing on the first, time after time, that record is the cause. While
it fails on everything it is down, and nothing is given up.

A destination that fails every other time, or every third, must not look like that. So the record is sent several times
in a row for each other one that was taken, and more often in each round.
"""

from __future__ import annotations

from typing import Final

from syndarix_obs.delivery.frames import Frame

PATIENCE: Final = 3
"""Failures in a row until a request is made smaller, or another record is tried."""
ROUNDS: Final = 3
"""How often another record must be taken, and this one then not, until it is given up."""


class Suspicion:
    """What is known about a record that stood alone when the destination failed."""

    def __init__(self) -> None:
        self._failures = 0
        self._forget()

    def _forget(self) -> None:
        self._who: tuple[bytes, ...] = ()
        self._tries = self._rounds = self._others_failed = 0
        self._other_taken = self.moved = False

    @property
    def active(self) -> bool:
        """Whether there is such a record."""
        return bool(self._who)

    @property
    def impatient(self) -> bool:
        """Whether requests should be made smaller, to see what the destination fails on."""
        return self._failures >= PATIENCE

    @property
    def wants_another(self) -> bool:
        """Whether it is another record's turn."""
        return self.active and self._tries >= PATIENCE + self._rounds

    @property
    def proven(self) -> bool:
        """Whether the record is to be given up."""
        return self._rounds >= ROUNDS

    def concerns(self, frame: Frame) -> bool:
        """Whether this is the record; it may have come again in another frame."""
        return self.active and self._who == _identity(frame)

    def choose(self, others: list[Frame]) -> Frame:
        """Which of the others to send; after each that failed, the one behind it, as that may have been ill as well."""
        return others[self._others_failed % len(others)]

    def failed(self, group: list[Frame]) -> None:
        """The destination answered that it failed on these."""
        self._failures += 1
        if len(group) > 1:
            return
        if not self.concerns(group[0]):
            if self.wants_another:
                self.outage()
                return
            self._forget()
            self._who = _identity(group[0])
        self._tries += 1
        if self._other_taken and self.wants_another:
            self._other_taken = False
            self._rounds += 1

    def outage(self) -> None:
        """It failed on another record too, or cannot be reached: the record is not the cause."""
        self._others_failed += 1
        self._tries = self._rounds = 0
        self._other_taken = False

    def taken(self) -> None:
        """Records were delivered."""
        # What it fails on, it fails on again: after a success within a search one failure is enough to go on with it.
        self._failures = PATIENCE - 1 if self.impatient else 0
        if self.active:
            self._other_taken, self.moved = True, False
            self._tries = 0

    def gone(self, group: list[Frame]) -> None:
        """These wait no longer, for whatever reason."""
        if any(map(self.concerns, group)):
            self._forget()


def _identity(frame: Frame) -> tuple[bytes, ...]:
    return frame.key, frame.before, frame.after
