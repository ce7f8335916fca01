"""A recorded session of a backend as a tape, with the reason for each step that cannot be given again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.replaying.tape import AnyStep, ModelStep, Tape, ToolStep, load
from syndarix_obs_read.answers.ids import resolve_session
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import NotFound
from syndarix_obs_read.replay.keep import kept, several
from syndarix_obs_read.serving.roles import need
from syndarix_obs_read.settings import ReadSettings

MOST_RECORDS: Final = 5_000
"""Records of a session that are read."""
_REPLAY: Final = re.compile(r"replay-[0-9a-f]*", re.ASCII)
_KINDS: Final = (v.KIND_SESSION, v.KIND_LLM_CALL, v.KIND_TOOL_CALL)
_ENDPOINTS: Final = {"anthropic": "messages", "embeddings": "embeddings", "text_completion": "completions"}
_NO_CONTENT: Final = (
    "its content was not kept: it was recorded with a `capture` other than full, or given up because the queue was full"
)


async def tape_of(backend: Backend, name: str) -> Tape:
    """The tape of a session by its id or a unique beginning of it, or of a trace.

    Raises:
        NotFound, Ambiguous: see `resolve_session`; `NotFound` also when nothing of it is there any more.
    """
    where = await _where(backend, name)
    page = await backend.records(where, limit=MOST_RECORDS, payloads=True)
    records = sorted(page.rows, key=lambda record: (record.start_ns, -record.end_ns))
    runs = [record for record in records if record.kind == v.KIND_SESSION]
    steps = [step for record in records if (step := step_of(record)) is not None]
    if not steps:
        raise NotFound(
            f"the session {name} has no model or tool call: its trace was sampled away (only the ledger and the "
            "session itself are always kept), or it is older than the retention"
        )
    first = runs[0] if runs else records[0]
    return Tape(
        session_id=where.session_id or where.trace_id or name, steps=steps, agent=first.optional("agent"),
        outcome=first.optional("outcome"), status=first.text("status") or v.STATUS_OK, user=first.optional("user"),
        project=first.optional("project"),
    ).ordered()  # fmt: skip


async def _where(backend: Backend, name: str) -> Filter:
    try:
        return Filter(session_id=await resolve_session(backend, name), kinds=_KINDS)
    except NotFound:
        found = await backend.trace_ids(name, 2) if len(name) >= 4 else []
        if len(found) != 1:
            raise
        return Filter(trace_id=found[0], kinds=_KINDS)


async def tape_named(backend: Backend, settings: ReadSettings, name: str) -> Tape:
    """A session or trace of the backend, a replay by its id, or the file of a recording.

    Raises:
        Forbidden: it is a file at home, and whoever asks may not read payloads.
    """
    if name.endswith(".json"):
        return load(name)
    if _REPLAY.fullmatch(name):
        beginnings = sorted((settings.home / "replays").glob(f"{name}*.json"))
        if len(beginnings) == 1:
            need("may_read_payloads", "read replays that are kept as files")  # no backend looks at who asks
            return load(beginnings[0])
        if beginnings:
            raise several(name, [path.stem for path in beginnings])
        found = await kept(backend, name)
        if found is not None:
            return found
    return await tape_of(backend, name)


def step_of(record: StoredRecord) -> AnyStep | None:
    """A record as a step; None for one that is no step."""
    if record.kind == v.KIND_LLM_CALL:
        return _model(record)
    return _tool(record) if record.kind == v.KIND_TOOL_CALL else None


def _common(record: StoredRecord) -> dict[str, Any]:
    return {
        "agent": record.optional("agent"),
        "span_id": record.text("span_id"),
        "trace_id": record.text("trace_id"),
        "start_ns": record.start_ns,
        "end_ns": record.end_ns,
        "status": record.text("status") or v.STATUS_OK,
        "error_type": record.optional("error_type"),
        "error_message": record.optional("error_message"),
    }


def _model(record: StoredRecord) -> ModelStep:
    payload, attributes = record.payload, _attributes(record)
    told = attributes.get(v.REQUEST_ENDPOINT)
    operation, provider = record.text("operation"), record.text("provider")
    endpoint = told or _ENDPOINTS.get(operation) or _ENDPOINTS.get(provider) or "chat.completions"
    cost = record.optional("cost_usd")
    return ModelStep(
        **_common(record),
        problem=_problem(record, told),
        provider=provider or None,
        endpoint=str(endpoint),
        foreign=told is None,
        request={name: payload.get(name) for name in ("system", "tools", "input", "parameters") if name in payload},
        hashes=dict(payload.get("hashes") or {}),
        output=payload.get("output"),
        response=dict(payload.get("response") or {}),
        model=record.optional("model"),
        response_id=record.optional("response_id"),
        finish_reason=(record.text("finish_reason").split(",") or [""])[0] or None,
        stream=bool(record.get("stream")),
        chunks=payload.get("chunks"),
        http_status=attributes.get(v.HTTP_RESPONSE_STATUS_CODE),
        input_tokens=record.count("input_tokens"),
        output_tokens=record.count("output_tokens"),
        cost_usd=cost,
    )


def _tool(record: StoredRecord) -> ToolStep:
    payload = record.payload
    problem = _cut(record)
    if problem is None and payload.get("capture"):
        problem = _NO_CONTENT
    return ToolStep(
        **_common(record),
        problem=problem,
        tool=record.text("tool"),
        call_id=record.optional("call_id"),
        arguments=payload.get("arguments"),
        result=payload.get("result"),
    )


def _attributes(record: StoredRecord) -> Mapping[str, Any]:
    found = record.get("attributes")
    return found if isinstance(found, Mapping) else {}


def _problem(record: StoredRecord, endpoint: Any) -> str | None:
    """Why a model call cannot be given again, None when it can."""
    payload = record.payload
    if not payload or payload.get("capture"):
        return _NO_CONTENT
    cut = _cut(record)
    if cut is not None:
        return cut
    if record.failed or endpoint == "embeddings" or record.text("operation") == v.OPERATION_EMBEDDINGS:
        return None
    if not payload.get("output"):
        return "its answer was not recorded"
    return None


def _cut(record: StoredRecord) -> str | None:
    if not (
        _attributes(record).get(v.PAYLOAD_TRUNCATED) or v.LOG_TRUNCATED in record.payload or _has_mark(record.payload)
    ):
        return None
    return (
        "its payload was truncated when it was recorded; SYNDARIX_OBS_MAX_PAYLOAD_BYTES says how large one may be, and "
        "Loki takes no line above its own limit"
    )


def _has_mark(value: Any) -> bool:
    """Whether any text in here ends with the mark of a cut."""
    if isinstance(value, str):
        return v.TRUNCATED_SUFFIX in value[-64:] and value.endswith(" bytes")
    if isinstance(value, Mapping):
        return any(_has_mark(item) for item in value.values())
    return isinstance(value, list) and any(_has_mark(item) for item in value)
