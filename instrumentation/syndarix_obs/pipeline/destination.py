"""What takes records: metrics, SQLite, Loki, Tempo, the test kit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import Record, SessionRecord


class Destination(Protocol):
    """One destination. All methods are called on the worker; none may block for long."""

    def consume(self, span: FinishedSpan | None, records: Sequence[Record]) -> None:
        """Take the records of one span. The span is None when its trace is not kept but these records are."""
        ...

    def session_started(self, record: SessionRecord) -> None:
        """Take note of a session that has just started."""
        ...

    def tick(self) -> None:
        """Called once per round of the worker."""
        ...

    def flush(self, timeout: float) -> bool:
        """Bring everything taken so far to safety within `timeout` seconds; False if that failed."""
        ...

    def close(self, timeout: float) -> None:
        """Flush and release everything within `timeout` seconds."""
        ...


class Measuring(Destination, Protocol):
    """The destination that counts: it can take back what it counted."""

    def retract(self, records: Sequence[Record]) -> None:
        """Take back the records of one call, which turned out to be counted elsewhere or otherwise."""
        ...


class BaseDestination:
    """A destination that has nothing to do but `consume`."""

    def session_started(self, record: SessionRecord) -> None:
        """Nothing to do."""

    def tick(self) -> None:
        """Nothing to do."""

    def flush(self, timeout: float) -> bool:  # noqa: ARG002 - part of the protocol
        """Nothing waits here."""
        return True

    def close(self, timeout: float) -> None:
        """Nothing to release."""
