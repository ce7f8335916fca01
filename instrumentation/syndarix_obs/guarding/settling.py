"""The end of a call as the guard sees it: a destination beside the metrics, which sees every counted record."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syndarix_obs.guard import guarded
from syndarix_obs.guarding.guard import Guard
from syndarix_obs.pipeline.destination import Measuring
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import Record, SessionRecord


class Settling:
    """Passes everything on to the metrics, and tells the guard, where there is one, what calls cost.

    Args:
        measure: the metrics.
        guard: the guard as it is now; a program may declare its first budget at any time.
    """

    def __init__(self, measure: Measuring, guard: Callable[[], Guard | None]) -> None:
        self._measure = measure
        self._guard = guard

    def consume(self, span: FinishedSpan | None, records: Sequence[Record]) -> None:
        """Take the records of one span."""
        guard = self._guard()
        if guard is not None:
            with guarded("guard"):
                guard.ended(span, records)
        self._measure.consume(span, records)

    def retract(self, records: Sequence[Record]) -> None:
        """Take back the records of one call."""
        guard = self._guard()
        if guard is not None:
            with guarded("guard"):
                guard.ended(None, records, sign=-1)
        self._measure.retract(records)

    def session_started(self, record: SessionRecord) -> None:
        """A session has just started."""
        self._measure.session_started(record)

    def tick(self) -> None:
        """A round is over: enter what was spent."""
        self._settle()
        self._measure.tick()

    def flush(self, timeout: float) -> bool:
        """Bring everything to safety."""
        self._settle()
        return self._measure.flush(timeout)

    def close(self, timeout: float) -> None:
        """Enter what was spent, and release the file."""
        self._settle()
        guard = self._guard()
        if guard is not None:
            with guarded("guard"):
                guard.close()
        self._measure.close(timeout)

    def _settle(self) -> None:
        guard = self._guard()
        if guard is not None:
            with guarded("guard"):
                guard.settle()
