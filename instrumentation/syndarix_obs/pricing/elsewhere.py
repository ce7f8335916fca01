"""What other processes report about the same calls: read from the store that they share with this one.

An agent's own process needs none of this. A process that takes reports of others (the receiver, the import of
transcripts) looks up each trace and session when it first meets them, and after that what came in since its last look.
Whoever comes last sees the other's line, so no call counts twice for longer than that takes.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from syndarix_obs.errors import StoreError
from syndarix_obs.guard import record_failure
from syndarix_obs.pricing.books import Book
from syndarix_obs.store.coding_steps import Told
from syndarix_obs.store.reports import News, StoredReport, StoredReports

_LOOK_EVERY_S: Final = 0.05
_T = TypeVar("_T")


class Elsewhere:
    """Reads the store at `path` for a ledger. A store that cannot be read is noted, and calls count as they come."""

    def __init__(self, path: Path) -> None:
        self._stored = StoredReports(path)
        self._look_at = 0.0

    def around(self, book: Book, trace_id: str, session_id: str | None) -> Iterator[StoredReport]:
        """Reports of a trace and of a session that the book has not been told of; learns the tree of the trace."""
        if trace_id not in book.looked_up and self._ready():
            book.looked_up.add(trace_id)
            spans = self._listed(lambda: self._stored.parents(trace_id))
            for span_id, parent_id in spans:
                if span_id not in book.parents:
                    book.note(span_id, parent_id)
            if spans:
                yield from self._listed(lambda: self._stored.of_trace(trace_id))
        if session_id is not None and f"session {session_id}" not in book.looked_up and self._ready():
            book.looked_up.add(f"session {session_id}")
            yield from self._listed(lambda: self._stored.of_session(session_id))

    def news(self, *, now: bool) -> list[News]:
        """Lines since the last look, this process's own too; nothing when that was a moment ago, unless `now`."""
        moment = time.monotonic()
        if (moment < self._look_at and not now) or not self._ready():
            return []
        self._look_at = moment + _LOOK_EVERY_S
        return self._listed(self._stored.news)

    def of_line(self, found: News) -> StoredReport | None:
        """The report that a line belongs to, as it stands."""
        return self._asked(lambda: self._stored.of_line(found), None)

    def steps(self, trace_id: str) -> list[Told]:
        """Tools and permissions of a trace that are in the store."""
        return self._listed(lambda: self._stored.steps(trace_id)) if self._ready() else []

    def new_steps(self) -> list[Told]:
        """Those that came since the last call, in whatever trace."""
        return self._listed(self._stored.new_steps) if self._ready() else []

    def close(self) -> None:
        """Give the store back."""
        self._stored.close()

    def _ready(self) -> bool:
        return self._asked(self._stored.ready, False)

    def _listed(self, ask: Callable[[], list[_T]]) -> list[_T]:
        nothing: list[_T] = []
        return self._asked(ask, nothing)

    def _asked(self, ask: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return ask()
        except (sqlite3.Error, StoreError, OSError) as error:
            record_failure("ledger.elsewhere", error)
            self._stored.close()
            return otherwise
