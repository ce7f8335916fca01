"""Records that a destination refused, and when one of them is given up: one rule for every refusal, 400, 413 or 500.

A refusal says little by itself: a proxy that answers 400 to everything refuses every record, and a server that is ill
answers 500 to the healthiest. So a record that was refused alone waits behind all others and is tried again now and
then. It is given up only after *neighbours*, records of the same kind, were accepted meanwhile:

    the destination says that the content is the matter (400, 413, 422)
        neighbours were accepted since it was refused first (with them or alone), and two more trials failed
    the destination says that it failed itself (500)
        three trials failed, and after each of them the very next thing sent was accepted

A trial is several tries in a row, so that a destination that fails every other time does not look like that. While
records that were never refused before are refused as well, one after the other, it is an outage, and what was found
out about any record counts no longer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from syndarix_obs.delivery.frames import Frame

TRIES: Final = 3
"""Tries in a row that make a trial; two more in each further trial."""
TRIALS_CONTENT: Final = 2
"""Failed trials until a record is given up whose content is the matter."""
TRIALS_FAILING: Final = 3
"""The same where the destination itself failed."""
OUTAGE: Final = 3
"""So many records in a row, none of them refused before, and nothing accepted between: it is not the records."""
_FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 30.0
"""Seconds between two trials of a record, at most."""
_LONGEST_TRIAL_S: Final = 1.0
_MOST: Final = 10_000


@dataclass(slots=True)
class _Refused:
    """What is known about one record. `due` is when it is tried again, by the monotonic clock."""

    key: bytes
    due: float
    accepted_since: bool = False
    tries: int = 0
    trials: int = 0
    pause: float = 0.0

    @property
    def tried(self) -> bool:
        return self.tries >= TRIES + 2 * self.trials

    def forget(self) -> None:
        self.accepted_since, self.tries, self.trials = False, 0, 0


class Refusals:
    """The refused records of one destination; at most 10,000 are remembered.

    Args:
        longest_pause: seconds between two trials of a record, at most.
    """

    def __init__(self, longest_pause: float = LONGEST_PAUSE_S) -> None:
        self._longest_pause = longest_pause
        self._known: dict[int, _Refused] = {}
        self._trial: _Refused | None = None
        self._trial_ends = 0.0
        self._control: _Refused | None = None
        self._searched: set[int] = set()
        self._passed: set[bytes] = set()
        self.streak = 0
        """Records in a row that were refused and had not been refused before."""
        self.accepted_last = False
        """Whether the last thing sent was accepted."""

    @property
    def active(self) -> bool:
        """Whether any record is remembered."""
        return bool(self._known)

    @property
    def trying(self) -> bool:
        """Whether a trial of a refused record is not over: it is tried several times in a row."""
        return self._trial is not None

    def knows(self, frame: Frame) -> bool:
        """Whether this record was refused before; it may have come again in another frame."""
        return bool(self._known) and _identity(frame) in self._known

    def accepted_since(self, frame: Frame) -> bool:
        """Whether a neighbour was accepted after this record was refused."""
        entry = self._known.get(_identity(frame))
        return entry is not None and entry.accepted_since

    def to_try(self, frames: Iterable[Frame], now: float) -> Frame | None:
        """The refused record whose turn it is; None while none is due."""
        found: tuple[float, Frame] | None = None
        for frame in frames:
            entry = self._known.get(_identity(frame))
            if entry is None:
                continue
            if entry is self._trial and not entry.tried and now < self._trial_ends:
                return frame
            if entry.due <= now and (found is None or entry.due < found[0]):
                found = (entry.due, frame)
        return None if found is None else found[1]

    def next_due(self) -> float:
        """When the next record is to be tried again, by the monotonic clock."""
        return min((entry.due for entry in self._known.values()), default=0.0)

    def hurry(self) -> None:
        """Try all of them again now."""
        for entry in self._known.values():
            entry.due = 0.0

    def refused(self, frame: Frame, now: float, *, failing: bool) -> bool:
        """This record, alone, was refused; True when it is to be given up.

        Args:
            frame: the record.
            now: monotonic clock, seconds.
            failing: the destination said that it failed itself.
        """
        self.accepted_last = False
        entry = self._known.get(_identity(frame))
        if entry is None:
            self._first_time(frame, now)
            return False
        if entry is not self._trial:
            self._trial, self._trial_ends = entry, now + _LONGEST_TRIAL_S
            self._no_control()
        entry.tries += 1
        if failing and entry.trials >= TRIALS_FAILING:
            return True
        if not entry.tried and now < self._trial_ends:
            return False
        return self._trial_over(entry, now, failing=failing)

    def _trial_over(self, entry: _Refused, now: float, *, failing: bool) -> bool:
        self._trial = None
        entry.pause = min(self._longest_pause, max(_FIRST_PAUSE_S, entry.pause * 2))
        entry.due = now + entry.pause
        if not entry.tried:
            return False
        if failing:
            self._control = entry
            return False
        if entry.accepted_since:
            entry.trials, entry.tries = entry.trials + 1, 0
        return entry.trials >= TRIALS_CONTENT

    def _no_control(self) -> None:
        """Something else was refused right after a trial: that trial says nothing."""
        if self._control is not None:
            self._control.tries = 0
            self._control = None

    def _first_time(self, frame: Frame, now: float) -> None:
        self.streak += 1
        self._trial = None
        self._no_control()
        if len(self._known) < _MOST:
            since = _identity(frame) in self._searched and frame.key in self._passed
            self._known[_identity(frame)] = _Refused(frame.key, now, accepted_since=since)
        if self.streak >= OUTAGE:
            for entry in self._known.values():
                entry.forget()

    def group_refused(self, frames: Iterable[Frame] = ()) -> None:
        """Several at once were refused: no neighbour is accepted right after the last trial.

        Args:
            frames: what was refused, if the reason may be one of them.
        """
        self.accepted_last = False
        self._trial = None
        self._no_control()
        found = {_identity(frame) for frame in frames}
        if not found <= self._searched:
            self._searched, self._passed = found, set()

    def accepted(self, frames: Iterable[Frame]) -> None:
        """These were accepted."""
        if self.streak >= OUTAGE:
            self.hurry()
        self.streak, self.accepted_last = 0, True
        if not self._known and not self._searched:
            return
        frames = list(frames)
        self.gone(frames)
        keys = {frame.key for frame in frames}
        self._passed |= keys
        control, self._control = self._control, None
        if control is not None and control.key in keys:
            control.trials, control.tries = control.trials + 1, 0
        for entry in self._known.values():
            if entry.key in keys:
                entry.accepted_since = True

    def gone(self, frames: Iterable[Frame]) -> None:
        """These wait no longer, for whatever reason."""
        for frame in frames:
            entry = self._known.pop(_identity(frame), None)
            if entry is not None and entry in (self._trial, self._control):
                self._trial = self._control = None

    def renamed(self, frame: Frame, other: Frame) -> None:
        """Another frame stands for this record from now on."""
        entry = self._known.pop(_identity(frame), None)
        if entry is not None:
            self._known[_identity(other)] = entry


def _identity(frame: Frame) -> int:
    """The payload is left out, as it may have been shortened."""
    return hash((frame.key, frame.before, frame.after))
