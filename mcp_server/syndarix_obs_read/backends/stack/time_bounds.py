"""Which stretch of Loki's time a question has to look at.

Loki keeps a line under the time of its record's *end*, and a line that came very late under the time of its arrival;
our questions are about when a record *began*. So lines are looked for from the beginning of a period to some time after
its end, and the record's own times decide.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.resource import Resource
from syndarix_obs_read.backends.filters import LARGEST_NS, Filter
from syndarix_obs_read.backends.stack.clients.loki import DAY_NS, Loki
from syndarix_obs_read.backends.stack.clients.tempo import Tempo
from syndarix_obs_read.backends.stack.fetch import heads
from syndarix_obs_read.backends.stack.lines import is_running
from syndarix_obs_read.backends.stack.queries import logql
from syndarix_obs_read.errors import BackendError
from syndarix_obs_read.timerange import SECOND_NS

AROUND_NS: Final = 300 * SECOND_NS
"""What may lie before and after a trace: clocks differ, children outlive parents."""
AHEAD_NS: Final = 600 * SECOND_NS
"""How far ahead of its clock Loki takes lines."""
LATE_NS: Final = DAY_NS
"""How long after the end of a period records that began in it are still looked for (the ledger: to this day)."""
_DIGITS: Final = 32
"""Of a trace id, in hex."""
_REMEMBERED: Final = 1_000
_REMEMBERED_S: Final = 15.0

_FETCHED: Final = 4
_FETCHED_S: Final = 2.0
"""Spans that were fetched to find a trace are handed to the question that asks for them next, so long after."""

Range = tuple[int, int]
Spans = list[tuple[FinishedSpan, Resource]]


def is_trace_id(text: str) -> bool:
    """Whether Tempo can be asked for it."""
    return len(text) == _DIGITS and is_beginning(text)


def is_beginning(text: str) -> bool:
    """Whether the id of a trace can begin so."""
    return len(text) <= _DIGITS and all(digit in "0123456789abcdef" for digit in text)


class TimeBounds:
    """Knows how far back the servers keep data, and where traces and sessions lie.

    Args:
        loki: the lines.
        tempo: the spans.
        days: how long the servers keep data.
        clock: wall clock in nanoseconds.
    """

    def __init__(self, loki: Loki, tempo: Tempo, days: int, clock: Callable[[], int] = time.time_ns) -> None:
        self._loki = loki
        self._tempo = tempo
        self._days = days
        self.now = clock
        self._known: OrderedDict[tuple[str, str], tuple[float, Range]] = OrderedDict()
        self._fetched: OrderedDict[str, tuple[float, Spans]] = OrderedDict()

    def all(self) -> Range:
        """Everything that is kept."""
        now = self.now()
        return now - self._days * DAY_NS, now + AHEAD_NS

    def of_period(self, where: Filter, *, ledger: bool = False) -> Range:
        """Where lines of records that began in the filter's period lie."""
        first, last = self.all()
        return max(first, where.since_ns), last if ledger else min(last, where.until_ns + LATE_NS)

    def until_past(self, where: Filter) -> Filter:
        """The filter with an end only if that lies well in the past: up to now, Loki need not look when a record began.

        Who reads the lines looks at their times; a few lines of the last minutes more cost less than a look at each.
        """
        return where if where.until_ns < self.now() - AROUND_NS else replace(where, until_ns=LARGEST_NS)

    async def of(self, where: Filter, *, ledger: bool = False) -> Range:
        """The same, narrowed by the trace or session that the filter names."""
        since, until = self.of_period(where, ledger=ledger)
        found = None
        if v.KIND_SCORE in where.kinds or v.KIND_REPLAY in where.kinds:  # may come a month after what they are about
            return since, until
        if where.trace_id is not None:
            found = await self.of_trace(where.trace_id)
        elif where.session_id is not None:
            found = await self.of_session(where.session_id)
        if found is None:
            return since, until
        return max(since, found[0]), min(until, found[1])

    def remember(self, trace_id: str, start_ns: int, end_ns: int) -> Range:
        """Note where a trace lies; returns that with what may lie around it."""
        return self._note("trace", trace_id, start_ns, end_ns)

    async def of_trace(self, trace_id: str) -> Range | None:
        """Where the lines of a trace lie, None when Tempo does not know."""
        if known := self._recall("trace", trace_id):
            return known
        if not is_trace_id(trace_id):
            return None
        try:
            spans = await self._tempo.trace(trace_id)
        except BackendError:
            return None  # Loki knows it too, after a longer search
        if not spans:
            return None
        self._fetched[trace_id] = time.monotonic(), spans
        while len(self._fetched) > _FETCHED:
            self._fetched.popitem(last=False)
        return self.remember(trace_id, min(s.start_ns for s, _ in spans), max(s.end_ns for s, _ in spans))

    async def spans(self, trace_id: str) -> Spans:
        """Spans of a trace: those that finding it has just brought, else asked of Tempo. Raises what Tempo raises."""
        fetched, spans = self._fetched.pop(trace_id, (0.0, []))
        if spans and time.monotonic() - fetched < _FETCHED_S:
            return spans
        return await self._tempo.trace(trace_id)

    async def of_session(self, session_id: str) -> Range | None:
        """Where the lines of a session lie, None when nothing tells of its beginning."""
        if known := self._recall("session", session_id):
            return known
        query = logql.lines(Filter(session_id=session_id), (v.KIND_SESSION,))
        runs = await heads(self._loki, query, *self.all())
        if not runs:
            return None
        ended = {run.text("record_id") for run in runs if not is_running(run)}
        running = any(run.text("record_id") not in ended for run in runs)
        end = self.now() if running else max(run.end_ns for run in runs)
        return self._note("session", session_id, min(run.start_ns for run in runs), end)

    def _note(self, what: str, key: str, start_ns: int, end_ns: int) -> Range:
        found = start_ns - AROUND_NS, end_ns + AHEAD_NS
        self._known[what, key] = time.monotonic(), found
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found

    def _recall(self, what: str, key: str) -> Range | None:
        noted, found = self._known.get((what, key), (0.0, None))
        return found if found and time.monotonic() - noted < _REMEMBERED_S else None
