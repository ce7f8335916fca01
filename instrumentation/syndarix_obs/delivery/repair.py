"""What can be done for a record that stands alone and is not taken as it is: a later time, or a shorter payload."""

from __future__ import annotations

import time
from typing import Final

from syndarix_obs.delivery.frames import Frame
from syndarix_obs.delivery.outcome import Destination, Kind, Outcome
from syndarix_obs.delivery.waiting import Health

_SHORTEN_STEP: Final = 4
_SHORTEST: Final = 1024


class Mender:
    """Mends one record after the other.

    Args:
        destination: knows how its frames are shortened.
        health: who is told that a text was cut.
    """

    def __init__(self, destination: Destination, health: Health) -> None:
        self._destination = destination
        self._health = health
        self._shortened: Frame | None = None
        self._restamped: Frame | None = None

    def mended(self, frame: Frame, outcome: Outcome, *, neighbours_pass: bool) -> Frame | None:
        """The frame, or another in its place, that may be taken now; None when there is nothing left to do.

        Args:
            frame: what was refused.
            outcome: how.
            neighbours_pass: others of its kind were accepted since: only then is a payload cut, as a server that
                finds everything too large would cost us all of them.
        """
        if outcome.kind is Kind.STALE and frame is not self._restamped:
            # Nothing is lost: the line itself says when it was.
            frame.time_ns = outcome.server_ns or time.time_ns()
            self._restamped = frame
            return frame
        return self._shorter(frame) if outcome.kind is Kind.TOO_LARGE and neighbours_pass else None

    def _shorter(self, frame: Frame) -> Frame | None:
        keep = len(frame.payload) // _SHORTEN_STEP
        shorter = self._destination.shorten(frame, keep if keep >= _SHORTEST else 0)
        if shorter is None or shorter.bytes >= frame.bytes:
            return None
        if frame is not self._shortened:
            self._health.truncated("destination")
        shorter.size = frame.size
        self._shortened = shorter
        return shorter
