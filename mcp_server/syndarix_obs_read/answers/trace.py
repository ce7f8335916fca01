"""What happened in one trace? Its spans as a tree, with times, tokens and dollars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from decimal import Decimal
from typing import Any, Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Cost, Frozen, Tokens, Usd, to_usd
from syndarix_obs_read.answers.base import Answer, Moment
from syndarix_obs_read.answers.ids import resolve_trace
from syndarix_obs_read.answers.wording import stack_trace, summary, title
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.timerange import to_datetime

_OWN: Final = frozenset({
    "kind", "record_id", "trace_id", "span_id", "parent_id", "name", "start_ns", "end_ns", "status", "error_type",
    "error_message", "duration_ms", "service", "environment", "session_id", "agent_type", "agent_version", "project",
    "user", "agent", "task_type", "model", "tool", "input_tokens", "output_tokens", "cost_usd", "estimated", "priced",
    "events",
})  # fmt: skip
"""Fields of a record that a `TraceSpan` has by name or shares with its trace; the rest are its `details`."""


class TraceSpan(Frozen):
    """One span. A trace lists them depth first: a span's children follow it, one `depth` deeper, in order of time."""

    span_id: str
    parent_id: str | None
    depth: int
    kind: str = Field(description="What it is: session, task, llm_call, tool_call, decision, …")
    title: str = Field(description="What it is called: the model, the tool, …")
    status: str
    started: Moment
    offset_ms: float = Field(description="Milliseconds from the beginning of the trace.")
    duration_ms: float
    agent: str | None = None
    task_type: str | None = None
    model: str | None = None
    tool: str | None = None
    input_tokens: int = Field(default=0, description="Prompt tokens of this call, caches included.")
    output_tokens: int = Field(default=0, description="Answer tokens of this call, reasoning included.")
    cost_usd: Usd | None = Field(default=None, description="Price of this call; null when unpriced or no model call.")
    estimated: bool = Field(default=False, description="Tokens and price of this call are an estimate.")
    unpriced: bool = Field(default=False, description="A model call without a known price.")
    total_tokens: int = Field(default=0, description="Tokens of this span and everything below.")
    total_cost_usd: Usd | None = Field(default=None, description="Price of this and everything below; null if none.")
    error_type: str | None = None
    error_message: str | None = None
    stack_trace: str | None = Field(default=None, description="Of the exception; when payloads are asked for.")
    summary: str = Field(default="", description="What happened, in a few words.")
    also_reported_by: tuple[str, ...] = Field(
        default=(), description="Libraries that reported this call too, with the reason why that is not counted."
    )
    details: Mapping[str, Any] = Field(default_factory=dict, description="Further fields of this kind.")
    payload: Mapping[str, Any] | None = Field(default=None, description="Messages, arguments, results; when asked for.")


class Trace(Answer):
    """One trace."""

    trace_id: str
    name: str
    status: str
    started: Moment
    duration_ms: float
    running: bool = Field(description="Whether a session in it has not ended.")
    session_id: str | None
    agents: tuple[str, ...]
    project: str | None
    user: str | None
    service: str | None
    environment: str | None
    tokens: Tokens
    cost: Cost
    spans: tuple[TraceSpan, ...] = Field(description="Depth first.")
    total_spans: int
    more: bool = Field(description="Whether spans were left out.")


async def get_trace(backend: Backend, trace_id: str, *, limit: int = 500, payloads: bool = False) -> Trace:
    """One trace by its id or a unique beginning of it.

    Args:
        limit: most spans to list.
        payloads: whether messages, arguments and results come with the spans.

    Raises:
        NotFound, Ambiguous: see `resolve_trace`.
    """
    found = await resolve_trace(backend, trace_id)
    page = await backend.trace(found, limit=limit, payloads=True)
    sums = await backend.costs(Filter(trace_id=found), (), UTC)
    spans = tree(page.rows, payloads=payloads)
    more = page.more
    hints = (f"{(page.total or 0) - len(spans):,} more spans; raise the limit",) if more else ()
    return Trace(
        backend=backend.name,
        spans=spans,
        total_spans=page.total or len(spans),
        more=more,
        hints=hints,
        tokens=sums[0].tokens if sums else Tokens(),
        cost=sums[0].cost if sums else Cost(),
        **_about(found, page.rows, spans),
    )


def _about(trace_id: str, records: tuple[StoredRecord, ...], spans: tuple[TraceSpan, ...]) -> dict[str, Any]:
    first, start = spans[0], min(record.start_ns for record in records)
    return {
        "trace_id": trace_id,
        "name": first.title,
        "status": first.status,
        "started": to_datetime(start),
        "duration_ms": (max(record.end_ns for record in _own(records)) - start) / 1e6,
        "running": any(record.get("status") == v.STATUS_RUNNING for record in records),
        "agents": tuple(dict.fromkeys(span.agent for span in spans if span.agent)),
        **{name: _first(records, name) for name in ("session_id", "project", "user", "service", "environment")},
    }


def _own(records: tuple[StoredRecord, ...]) -> tuple[StoredRecord, ...]:
    """What the run did itself: notes and scores may come days later."""
    later = (v.KIND_ANNOTATION, v.KIND_SCORE)
    return tuple(record for record in records if record.kind not in later) or records


def _first(records: Iterable[StoredRecord], name: str) -> str | None:
    return next((value for record in records if (value := record.optional(name))), None)


def tree(records: Iterable[StoredRecord], *, payloads: bool) -> tuple[TraceSpan, ...]:
    """Records of one trace as spans, depth first. Log lines hang below the span they were logged in.

    A span whose parent is not among the records (it belongs to another service, or was not kept) stands at the top;
    every record comes exactly once, even if parents form a circle.
    """
    ordered = sorted(records, key=lambda record: (record.start_ns, -record.end_ns))
    children = _children(ordered)
    also = _also_reported(ordered)
    origin = ordered[0].start_ns if ordered else 0
    found: list[tuple[StoredRecord, int]] = []
    seen: set[int] = set()
    starts = [*children.get(None, ()), *ordered]  # the second time only for circles
    for top in starts:
        stack = [(top, 0)]
        while stack:
            record, depth = stack.pop()
            if id(record) in seen:
                continue
            seen.add(id(record))
            found.append((record, depth))
            below = children.get(record.text("span_id"), []) if record.kind != v.KIND_APP else []
            stack.extend((child, depth + 1) for child in reversed(below))
    totals = _totals(found)
    return tuple(
        _span(record, depth, origin, payloads, also, total)
        for (record, depth), total in zip(found, totals, strict=True)
    )


def _children(ordered: list[StoredRecord]) -> dict[str | None, list[StoredRecord]]:
    known = {record.text("span_id") for record in ordered if record.kind != v.KIND_APP}
    children: dict[str | None, list[StoredRecord]] = {}
    for record in ordered:
        parent = record.optional("span_id" if record.kind == v.KIND_APP else "parent_id")
        children.setdefault(parent if parent in known else None, []).append(record)
    return children


def _also_reported(records: Iterable[StoredRecord]) -> Mapping[str, list[str]]:
    """By span: who else reported its call, and why that report is set aside."""
    found: dict[str, list[str]] = {}
    for record in records:
        attributes = record.get("attributes") or {}
        by = attributes.get(v.SET_ASIDE_BY)
        if by:
            who = attributes.get(v.SET_ASIDE_REPORTER) or attributes.get(v.OTEL_SCOPE_NAME) or record.text("name")
            found.setdefault(str(by), []).append(f"{who} ({attributes.get(v.SET_ASIDE_REASON)})")
    return found


def _in_order(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The payload as the model read it: instructions that were sent apart from the messages come before them."""
    return {"system": payload["system"], **payload} if "system" in payload else payload


def _span(
    record: StoredRecord, depth: int, origin: int, payloads: bool, also: Mapping[str, list[str]],
    total: tuple[int, Decimal | None],
) -> TraceSpan:
    others = tuple(also.get(record.text("span_id"), ()))
    said = summary(record)
    if others:
        said = f"{said}; also reported by {', '.join(others)}" if said else f"also reported by {', '.join(others)}"
    cost = to_usd(record.get("cost_usd"))
    is_call = record.kind == v.KIND_LLM_CALL
    return TraceSpan(
        span_id=record.text("span_id"),
        parent_id=record.optional("parent_id"),
        depth=depth,
        kind=record.kind,
        title=title(record),
        status=record.text("status") or v.STATUS_OK,
        started=to_datetime(record.start_ns),
        offset_ms=(record.start_ns - origin) / 1e6,
        duration_ms=max(0, record.end_ns - record.start_ns) / 1e6,
        cost_usd=cost,
        unpriced=is_call and cost is None and not record.failed,
        estimated=bool(record.get("estimated")),
        input_tokens=record.count("input_tokens"),
        output_tokens=record.count("output_tokens"),
        total_tokens=total[0],
        total_cost_usd=total[1],
        summary=said,
        also_reported_by=others,
        details={name: value for name, value in record.data.items() if name not in _OWN},
        payload=_in_order(record.payload) if payloads and record.payload else None,
        stack_trace=stack_trace(record) if payloads else None,
        **{
            name: record.optional(name)
            for name in ("agent", "task_type", "model", "tool", "error_type", "error_message")
        },
    )


def _totals(found: list[tuple[StoredRecord, int]]) -> list[tuple[int, Decimal | None]]:
    """Tokens and dollars of each record and everything below it, summed from the last to the first."""
    tokens = [record.count("input_tokens") + record.count("output_tokens") for record, _ in found]
    costs = [to_usd(record.get("cost_usd")) for record, _ in found]
    parents = _parents([depth for _, depth in found])
    for index in range(len(found) - 1, -1, -1):
        above, cost = parents[index], costs[index]
        if above is not None:
            tokens[above] += tokens[index]
            if cost is not None:
                costs[above] = (costs[above] or Decimal(0)) + cost
    return list(zip(tokens, costs, strict=True))


def _parents(depths: list[int]) -> list[int | None]:
    path: list[int] = []
    parents: list[int | None] = []
    for index, depth in enumerate(depths):
        del path[depth:]
        parents.append(path[-1] if path else None)
        path.append(index)
    return parents
