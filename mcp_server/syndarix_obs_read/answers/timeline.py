"""What happened when? Everything in a trace or session in the order of time, span events included."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import ListAnswer, Moment
from syndarix_obs_read.answers.ids import resolve_session, resolve_trace
from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.answers.wording import failure, summary, title
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import Rows, StoredRecord
from syndarix_obs_read.errors import Ambiguous, NotFound
from syndarix_obs_read.timerange import to_datetime

_HEX: Final = re.compile("[0-9a-fA-F]+")


class TraceEvent(Frozen):
    """Something that happened at one moment."""

    timestamp: Moment
    offset_ms: float = Field(description="Milliseconds from the first event.")
    event: str = Field(description="`start` or `end` of a session or task, `done` for a step, or a span event's name.")
    kind: str
    title: str
    status: str
    duration_ms: float | None = Field(default=None, description="How long the step took; null for a start or event.")
    agent: str | None = None
    trace_id: str
    span_id: str
    text: str = Field(default="", description="What happened, in a few words.")


class Timeline(ListAnswer):
    """Events, the first first."""

    trace_id: str | None = None
    session_id: str | None = None
    events: tuple[TraceEvent, ...]


async def get_timeline(backend: Backend, trace_or_session: str, *, limit: int = 500) -> Timeline:
    """Events of a trace or a session, by id or a unique beginning of it; a step stands where it began.

    Raises:
        NotFound, Ambiguous: see `resolve_trace`.
    """
    if not _HEX.fullmatch(trace_or_session.strip()):  # no trace is called so, and to say which are near takes long
        with contextlib.suppress(NotFound, Ambiguous):
            session = await resolve_session(backend, trace_or_session)
            return _timeline(backend, await _of_session(backend, session, limit), limit, session_id=session)
    try:
        trace_id = await resolve_trace(backend, trace_or_session)
    except NotFound as error:
        try:
            session = await resolve_session(backend, trace_or_session)
        except NotFound:
            raise error from None
        page = await _of_session(backend, session, limit)
        return _timeline(backend, page, limit, session_id=session)
    page = await backend.trace(trace_id, limit=limit, payloads=True)
    return _timeline(backend, page, limit, trace_id=trace_id)


async def _of_session(backend: Backend, session_id: str, limit: int) -> Rows[StoredRecord]:
    records: list[StoredRecord] = []
    more = False
    for trace_id in (await backend.sessions(Filter(session_id=session_id), 1)).rows[0].trace_ids:
        page = await backend.trace(trace_id, limit=limit, payloads=True)
        records += (record for record in page.rows if record.text("session_id") == session_id)
        more = more or page.more
    return Rows(tuple(records), more, None)


def _timeline(
    backend: Backend,
    page: Rows[StoredRecord],
    limit: int,
    *,
    trace_id: str | None = None,
    session_id: str | None = None,
) -> Timeline:
    events = events_of(page.rows)
    more = page.more or len(events) > limit
    hints = ("there are more events; raise the limit",) if more else ()
    return Timeline(
        backend=backend.name,
        trace_id=trace_id,
        session_id=session_id,
        events=events[:limit],
        more=more,
        total=None if page.more else len(events),
        hints=hints,
    )


def events_of(records: Iterable[StoredRecord]) -> tuple[TraceEvent, ...]:
    """The events of records, in the order of time."""
    found = sorted((each for record in records for each in _events(record)), key=lambda each: each[0])
    origin = found[0][0] if found else 0
    return tuple(TraceEvent(timestamp=to_datetime(ns), offset_ms=(ns - origin) / 1e6, **fields) for ns, fields in found)


def _events(record: StoredRecord) -> Iterator[tuple[int, dict[str, Any]]]:
    common = {
        "kind": record.kind,
        "title": title(record),
        "status": record.text("status") or v.STATUS_OK,
        "agent": record.optional("agent"),
        "trace_id": record.text("trace_id"),
        "span_id": record.text("span_id"),
    }
    duration = max(0, record.end_ns - record.start_ns) / 1e6
    if record.kind in {v.KIND_SESSION, v.KIND_TASK}:
        yield record.start_ns, {**common, "event": "start", "status": v.STATUS_OK}
        if common["status"] != v.STATUS_RUNNING:
            yield record.end_ns, {**common, "event": "end", "duration_ms": duration, "text": summary(record)}
    else:
        yield record.start_ns, {**common, "event": "done", "duration_ms": duration, "text": summary(record)}
    for event in record.get("events", ()):
        yield int(event.get("timestamp_ns") or record.start_ns), {**common, **_span_event(record, event)}


def _span_event(record: StoredRecord, event: dict[str, Any]) -> dict[str, Any]:
    attributes = event.get("attributes") or {}
    name = str(event.get("name"))
    if name == "exception":
        words = f"{attributes.get('exception.type', '')}: {attributes.get('exception.message', '')}".strip(": ")
        return {"event": name, "text": brief(words or failure(record)), "status": v.STATUS_ERROR}
    if name == v.EVENT_LOOP:
        tool, count = attributes.get(v.LOOP_TOOL, "?"), attributes.get(v.LOOP_COUNT, "?")
        return {"event": "loop detected", "text": f"{tool} called {count} times with equal arguments"}
    return {"event": name, "text": brief(attributes) if attributes else ""}
