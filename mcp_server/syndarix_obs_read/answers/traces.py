"""Which traces are there? Searched by agent, project, user, session, model, tool, status, duration, cost and text."""

from __future__ import annotations

from pydantic import Field

from syndarix_obs_read.answers.base import ListAnswer, Moment, Period, listing
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import TraceFacts, TraceRow
from syndarix_obs_read.timerange import TimeRange, to_datetime


class TraceSummary(TraceFacts):
    """One trace in a list."""

    started: Moment
    duration_ms: float | None = Field(description="Null while it runs.")


class TraceList(ListAnswer):
    """Traces, the last begun first."""

    traces: tuple[TraceSummary, ...]


async def search_traces(backend: Backend, where: Filter, period: TimeRange, limit: int) -> TraceList:
    """Traces that began in the period and fit the filter."""
    page = await backend.search_traces(where.within(period), limit)
    about = listing(page, "agent, status, tool, model, text, duration, cost or time")
    if not page.rows:
        about["hints"] = await why_empty(backend, where, period)
    return TraceList(
        backend=backend.name, period=Period.of(period), traces=tuple(_summary(row) for row in page.rows), **about
    )


def _summary(row: TraceRow) -> TraceSummary:
    return TraceSummary(
        started=to_datetime(row.start_ns),
        duration_ms=None if row.end_ns is None else max(0, row.end_ns - row.start_ns) / 1e6,
        **row.shared(TraceSummary),
    )
