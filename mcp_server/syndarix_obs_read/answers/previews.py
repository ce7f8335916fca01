"""What was asked and what came out, in a line for each row of a list: names alone tell nobody which run is which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.messages import brief, unified
from syndarix_obs_read.answers.sessions import Session, SessionList
from syndarix_obs_read.answers.traces import TraceList, TraceSummary
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend, EdgeSource
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import BackendError
from syndarix_obs_read.timerange import SECOND_NS

WIDTH: Final = 160
"""Characters of one preview."""
_RECORDS: Final = 500


class Preview(Frozen):
    """The first thing that a run was asked, and the last thing that came out of it."""

    input: str | None = Field(default=None, description="What the first call was asked, cut to a line.")
    output: str | None = Field(default=None, description="What the last call answered, cut to a line.")


class PreviewedTrace(TraceSummary, Preview):
    """A trace in a list, with what was asked and answered."""


class PreviewedTraces(TraceList):
    """Traces with previews."""

    traces: tuple[PreviewedTrace, ...]


class PreviewedSession(Session, Preview):
    """A session in a list, with what was asked and answered."""


class PreviewedSessions(SessionList):
    """Sessions with previews."""

    sessions: tuple[PreviewedSession, ...]


async def previewed_traces(backend: Backend, answer: TraceList) -> PreviewedTraces:
    """The list with previews; without any where the payloads cannot be reached."""
    ids = [each.trace_id for each in answer.traces]
    spans = [(each.started.timestamp(), each.duration_ms or 0.0) for each in answer.traces]
    found = await _previews(backend, "trace_id", ids, spans)
    rows = (PreviewedTrace(**dict(each), **dict(found.get(each.trace_id, _NONE))) for each in answer.traces)
    return PreviewedTraces(**{**dict(answer), "traces": tuple(rows)})


async def previewed_sessions(backend: Backend, answer: SessionList) -> PreviewedSessions:
    """The list with previews; without any where the payloads cannot be reached."""
    ids = [each.session_id for each in answer.sessions]
    spans = [(each.started.timestamp(), each.duration_ms) for each in answer.sessions]
    found = await _previews(backend, "session_id", ids, spans)
    rows = (PreviewedSession(**dict(each), **dict(found.get(each.session_id, _NONE))) for each in answer.sessions)
    return PreviewedSessions(**{**dict(answer), "sessions": tuple(rows)})


async def preview_of(backend: Backend, field: str, identifier: str, begun: float, took_ms: float) -> Preview:
    """The preview of one trace or session.

    Args:
        field: `trace_id` or `session_id`.
        begun: seconds since the epoch.
        took_ms: milliseconds from there to its end.
    """
    found = await _previews(backend, field, [identifier], [(begun, took_ms)])
    return found.get(identifier, _NONE)


_NONE: Final = Preview()


async def _previews(
    backend: Backend, field: str, ids: Sequence[str], spans: Sequence[tuple[float, float]]
) -> Mapping[str, Preview]:
    if not ids:
        return {}
    try:
        if isinstance(backend, EdgeSource):
            calls = await backend.edge_calls(field, ids)
        else:
            since = min(begun for begun, _ in spans)
            until = max(begun + took / 1000 for begun, took in spans)
            where = Filter(
                kinds=(v.KIND_LLM_CALL,), since_ns=round(since * SECOND_NS) - SECOND_NS,
                until_ns=round(until * SECOND_NS) + SECOND_NS,
            )  # fmt: skip
            calls = list((await backend.records(where, limit=_RECORDS, payloads=True)).rows)
    except BackendError:
        return {}  # the list is worth showing without them
    wanted = set(ids)
    by_id: dict[str, list[StoredRecord]] = {}
    for call in sorted(calls, key=lambda each: each.start_ns):
        if (own := call.text(field)) in wanted:
            by_id.setdefault(own, []).append(call)
    return {own: preview(found) for own, found in by_id.items()}


def preview(calls: Iterable[StoredRecord]) -> Preview:
    """The preview of a run's model calls, oldest first."""
    asked = answered = None
    for call in calls:
        asked = asked or _asked(call)
        answered = _answered(call) or answered
    return Preview(input=asked, output=answered)


def _asked(call: StoredRecord) -> str | None:
    """What the user said last in a prompt."""
    messages = unified(call.payload.get("input"))
    said = next((each.text for each in reversed(messages) if each.role in ("user", "human", "") and each.text), None)
    return brief(said, WIDTH) if said else None


def _answered(call: StoredRecord) -> str | None:
    said = next((each.text for each in reversed(unified(call.payload.get("output"))) if each.text), None)
    return brief(said, WIDTH) if said else None
