"""What was logged? Every record is a log line: searched by text, level, kind, session, trace, …, or followed live."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

from pydantic import Field

from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import ListAnswer, Moment, Period, listing
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.answers.wording import stack_trace, summary, title
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend, RecordSource
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.timerange import TimeRange, to_datetime

_SAID: Final = frozenset({
    "kind", "agent", "session_id", "trace_id", "span_id", "record_id", "start_ns", "end_ns",
})  # fmt: skip
"""Fields of a record that its line says already."""


class LogLine(Frozen):
    """One line."""

    timestamp: Moment
    level: str
    kind: str
    title: str
    text: str = Field(description="What happened, in a few words; an application's own line in full.")
    agent: str | None
    session_id: str | None
    trace_id: str | None
    span_id: str | None
    fields: Mapping[str, Any] = Field(description="The record's fields; to a model, those the line does not say.")
    payload: Mapping[str, Any] | None = Field(default=None, description="Its payload; when asked for.")
    stack_trace: str | None = Field(default=None, description="Of the exception that it tells of.")


class LogList(ListAnswer):
    """Lines, the last first."""

    lines: tuple[LogLine, ...]


async def search_logs(
    backend: Backend, where: Filter, period: TimeRange, limit: int, *, payloads: bool = False, whole: bool = True
) -> LogList:
    """Lines in the period that fit the filter; without kinds all but plain spans and the ledger.

    Args:
        payloads: whether messages, arguments and results come with the lines.
        whole: whether `fields` repeats what the line says already.
    """
    page = await backend.records(where.within(period), limit=limit, payloads=True)
    about = listing(page, "text, level, kind, agent, session or time")
    if not page.rows:
        about["hints"] = await why_empty(backend, where, period)
    lines = tuple(_line(record, payloads=payloads, whole=whole) for record in page.rows)
    return LogList(backend=backend.name, period=Period.of(period), lines=lines, **about)


async def follow_logs(
    source: RecordSource, where: Filter, *, payloads: bool = False
) -> AsyncGenerator[LogLine, None]:
    """Lines that fit and arrive from now on; ends when the caller stops asking."""
    async for record in source.follow(where):
        yield _line(record, payloads=payloads)


def _line(record: StoredRecord, *, payloads: bool, whole: bool = True) -> LogLine:
    fields = record.data if whole else {name: value for name, value in record.data.items() if name not in _SAID}
    return LogLine(
        timestamp=to_datetime(record.start_ns),
        level=record.level,
        kind=record.kind,
        title=title(record),
        text=summary(record),
        agent=record.optional("agent"),
        session_id=record.optional("session_id"),
        trace_id=record.optional("trace_id"),
        span_id=record.optional("span_id"),
        fields=fields,
        payload=record.payload if payloads and record.payload else None,
        stack_trace=stack_trace(record),
    )
