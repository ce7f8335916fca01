"""The one place where a finished span becomes records."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs.records import model as r
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.resource import Resource

# Attributes that have a field of their own in the records; the rest is kept in `Record.attributes`.
_OWN_FIELD = frozenset(
    {
        v.KIND, v.GEN_AI_OPERATION_NAME, v.GEN_AI_PROVIDER_NAME, v.GEN_AI_REQUEST_MODEL, v.GEN_AI_RESPONSE_MODEL,
        v.GEN_AI_RESPONSE_ID, v.GEN_AI_RESPONSE_FINISH_REASONS, v.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK,
        v.GEN_AI_REQUEST_STREAM, v.GEN_AI_USAGE_INPUT_TOKENS, v.GEN_AI_USAGE_OUTPUT_TOKENS,
        v.GEN_AI_USAGE_CACHE_READ_TOKENS, v.GEN_AI_USAGE_CACHE_WRITE_TOKENS, v.GEN_AI_USAGE_REASONING_TOKENS,
        v.GEN_AI_AGENT_NAME, v.GEN_AI_CONVERSATION_ID, v.GEN_AI_TOOL_NAME, v.GEN_AI_TOOL_CALL_ID,
        v.GEN_AI_MEMORY_STORE, v.SESSION_ID, v.USER_ID, v.ERROR_TYPE, v.PROJECT, v.AGENT_TYPE, v.AGENT_VERSION,
        v.TASK_TYPE, v.OUTCOME, v.COST_USD, v.PRICED, v.COST_ESTIMATED, v.SERVICE_TIER, v.DECISION_ID,
        v.DECISION_TYPE, v.DECISION_OPTIONS, v.DECISION_SELECTED, v.DECISION_CONFIDENCE, v.CONTEXT_SECTIONS,
        v.CONTEXT_EVICTED, v.CONTEXT_TOKENS, v.CONTEXT_LIMIT, v.SAFETY_CHECK, v.SAFETY_PASSED,
        v.GEN_AI_MEMORY_RECORD_COUNT,
        v.ANNOTATION_TARGET, v.ANNOTATION_LABEL, v.LOOP_COUNT, v.LOOP_TOOL, v.GEN_AI_EVALUATION_NAME,
        v.GEN_AI_EVALUATION_SCORE_VALUE, v.GEN_AI_EVALUATION_SCORE_LABEL, v.SCORE_TYPE, v.SCORE_SOURCE,
        v.SCORE_JUDGE_VERSION,
        v.ANOMALY_EPISODE, v.ANOMALY_SERIES, v.ANOMALY_STATE, v.ANOMALY_SCORE, v.ANOMALY_OPINION, v.ANOMALY_OBSERVED,
        v.ANOMALY_EXPECTED, v.ANOMALY_OPENED, v.REPLAY_OF, v.REPLAY_STEP, v.REPLAY_MODE, v.REPLAY_RESULT,
    }
)  # fmt: skip

_KIND_OF_OPERATION = {
    v.OPERATION_EXECUTE_TOOL: v.KIND_TOOL_CALL,
    v.OPERATION_INVOKE_AGENT: v.KIND_SESSION,
    v.OPERATION_RETRIEVAL: v.KIND_MEMORY,
    **dict.fromkeys(v.LLM_OPERATIONS, v.KIND_LLM_CALL),
}


def kind_of(attributes: Mapping[str, Any]) -> str:
    """Kind of record that a span with these attributes becomes."""
    kind = attributes.get(v.KIND)
    if isinstance(kind, str) and kind in _BUILDERS:
        return kind
    operation = attributes.get(v.GEN_AI_OPERATION_NAME)
    if not isinstance(operation, str):
        return v.KIND_SPAN
    if operation.endswith(v.MEMORY_OPERATION_SUFFIX):
        return v.KIND_MEMORY
    kind = _KIND_OF_OPERATION.get(operation, v.KIND_SPAN)
    # A third-party agent span without a session of ours is a plain step, not a session of its own.
    return v.KIND_SPAN if kind == v.KIND_SESSION and v.SESSION_ID not in attributes else kind


def from_span(span: FinishedSpan, resource: Resource) -> tuple[r.Record, ...]:
    """The records a finished span means: its own first, then the ledger's line when it called a model."""
    attributes = span.attributes
    kind = kind_of(attributes)
    if kind == v.KIND_SESSION and span.parent_id is not None and v.KIND not in attributes:
        kind = v.KIND_SPAN  # a framework's agent step inside a session is not a second session
    common = _common(span, resource)
    record = _BUILDERS[kind](attributes, common)
    if not isinstance(record, r.LLMRecord):
        return (record,)
    record = _with_price(record, span)
    if record.status == v.STATUS_ERROR and not (record.input_tokens or record.output_tokens):
        return (record,)  # a refused request costs nothing
    return (record, ledger_line(record, span, common))


def _common(span: FinishedSpan, resource: Resource) -> dict[str, Any]:
    a = span.attributes
    return {
        "record_id": f"{span.trace_id}:{span.span_id}",
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "name": span.name,
        "start_ns": span.start_ns,
        "end_ns": span.end_ns,
        "status": span.status,
        "error_type": a.get(v.ERROR_TYPE),
        "error_message": span.status_message,
        "service": resource.service,
        "environment": resource.environment,
        "session_id": a.get(v.SESSION_ID) or a.get(v.GEN_AI_CONVERSATION_ID),
        "agent": a.get(v.GEN_AI_AGENT_NAME),
        "agent_type": a.get(v.AGENT_TYPE),
        "agent_version": a.get(v.AGENT_VERSION),
        "project": a.get(v.PROJECT),
        "user": a.get(v.USER_ID),
        "task_type": a.get(v.TASK_TYPE),
        "attributes": {key: value for key, value in a.items() if key not in _OWN_FIELD},
        "events": tuple(span.events),
        "payload": span.payload_json,
    }


_COMMON = tuple(each.name for each in fields(r.Record))


def _text(value: Any, default: str = "") -> str:
    return default if value is None else str(value)


def _count(value: Any) -> int:
    if value is None:  # of most calls most classes of tokens; an exception costs more than all else here
        return 0
    if type(value) is int:
        return max(0, value)
    try:
        return max(0, int(value))
    except (TypeError, ValueError, OverflowError):
        return 0


def _optional_count(value: Any) -> int | None:
    return None if value is None else _count(value)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number == number and abs(number) != float("inf") else None


def _sections(value: Any) -> dict[str, int]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return {str(key): _count(tokens) for key, tokens in value.items()} if isinstance(value, Mapping) else {}


def _strings(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else (str(value),)


def _span(_a: Mapping[str, Any], common: dict[str, Any]) -> r.Record:
    return r.SpanRecord(**common)


def _session(a: Mapping[str, Any], common: dict[str, Any]) -> r.Record:
    return r.SessionRecord(outcome=a.get(v.OUTCOME), **common)


def _task(a: Mapping[str, Any], common: dict[str, Any]) -> r.Record:
    return r.TaskRecord(outcome=a.get(v.OUTCOME), **common)


def _llm(a: Mapping[str, Any], common: dict[str, Any]) -> r.Record:
    reasons = _strings(a.get(v.GEN_AI_RESPONSE_FINISH_REASONS))
    requested = a.get(v.GEN_AI_REQUEST_MODEL)
    return r.LLMRecord(
        operation=_text(a.get(v.GEN_AI_OPERATION_NAME), v.OPERATION_CHAT),
        provider=a.get(v.GEN_AI_PROVIDER_NAME),
        model=a.get(v.GEN_AI_RESPONSE_MODEL) or requested,
        request_model=requested,
        response_id=a.get(v.GEN_AI_RESPONSE_ID),
        finish_reason=",".join(dict.fromkeys(reasons)) or None,
        stream=bool(a.get(v.GEN_AI_REQUEST_STREAM)),
        first_token_s=_number(a.get(v.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK)),
        input_tokens=_count(a.get(v.GEN_AI_USAGE_INPUT_TOKENS)),
        output_tokens=_count(a.get(v.GEN_AI_USAGE_OUTPUT_TOKENS)),
        cache_read_tokens=_count(a.get(v.GEN_AI_USAGE_CACHE_READ_TOKENS)),
        cache_write_tokens=_count(a.get(v.GEN_AI_USAGE_CACHE_WRITE_TOKENS)),
        reasoning_tokens=_count(a.get(v.GEN_AI_USAGE_REASONING_TOKENS)),
        estimated=bool(a.get(v.COST_ESTIMATED)),
        service_tier=a.get(v.SERVICE_TIER),
        **common,
    )


def _tool(a: Mapping[str, Any], common: dict[str, Any]) -> r.Record:
    return r.ToolRecord(
        tool=_text(a.get(v.GEN_AI_TOOL_NAME), "unknown"),
        call_id=a.get(v.GEN_AI_TOOL_CALL_ID),
        loop_count=_optional_count(a.get(v.LOOP_COUNT)),
        **common,
    )


def _memory(a: Mapping[str, Any], common: dict[str, Any]) -> r.Record:
    operation = _text(a.get(v.GEN_AI_OPERATION_NAME), v.OPERATION_SEARCH_MEMORY)
    return r.MemoryRecord(
        operation=operation.removesuffix(v.MEMORY_OPERATION_SUFFIX),
        store=a.get(v.GEN_AI_MEMORY_STORE),
        found=_optional_count(a.get(v.GEN_AI_MEMORY_RECORD_COUNT)),
        **common,
    )


def _context(a: Mapping[str, Any], common: dict[str, Any]) -> r.Record:
    sections = _sections(a.get(v.CONTEXT_SECTIONS))
    return r.ContextRecord(
        sections=sections,
        evicted=_sections(a.get(v.CONTEXT_EVICTED)),
        tokens=sum(sections.values()),
        limit=_optional_count(a.get(v.CONTEXT_LIMIT)),
        **common,
    )


def _safety(a: Mapping[str, Any], common: dict[str, Any]) -> r.Record:
    return r.SafetyRecord(
        check=_text(a.get(v.SAFETY_CHECK), "unknown"), passed=bool(a.get(v.SAFETY_PASSED, True)), **common
    )


def _decision(a: Mapping[str, Any], common: dict[str, Any]) -> r.Record:
    return r.DecisionRecord(
        decision_id=_text(a.get(v.DECISION_ID), common["span_id"]),
        decision_type=_text(a.get(v.DECISION_TYPE), "unknown"),
        options=_strings(a.get(v.DECISION_OPTIONS)),
        selected=_text(a.get(v.DECISION_SELECTED)),
        confidence=_number(a.get(v.DECISION_CONFIDENCE)),
        **common,
    )


def _annotation(a: Mapping[str, Any], common: dict[str, Any]) -> r.Record:
    return r.AnnotationRecord(target=_text(a.get(v.ANNOTATION_TARGET)), label=a.get(v.ANNOTATION_LABEL), **common)


def _score(a: Mapping[str, Any], common: dict[str, Any]) -> r.Record:
    return r.ScoreRecord(
        score_type=_text(a.get(v.SCORE_TYPE), "score"),
        score_name=_text(a.get(v.GEN_AI_EVALUATION_NAME), "unknown"),
        value=_number(a.get(v.GEN_AI_EVALUATION_SCORE_VALUE)),
        label=a.get(v.GEN_AI_EVALUATION_SCORE_LABEL),
        source=_text(a.get(v.SCORE_SOURCE), "code"),
        judge_version=a.get(v.SCORE_JUDGE_VERSION),
        target=a.get(v.ANNOTATION_TARGET),
        **common,
    )


def _anomaly(a: Mapping[str, Any], common: dict[str, Any]) -> r.Record:
    return r.AnomalyRecord(
        episode=_text(a.get(v.ANOMALY_EPISODE), common["span_id"]),
        series=_text(a.get(v.ANOMALY_SERIES)),
        state=_text(a.get(v.ANOMALY_STATE), v.ANOMALY_STATES[0]),
        score=_number(a.get(v.ANOMALY_SCORE)),
        opinion=a.get(v.ANOMALY_OPINION),
        observed=_number(a.get(v.ANOMALY_OBSERVED)),
        expected=_number(a.get(v.ANOMALY_EXPECTED)),
        opened_ns=_count(a.get(v.ANOMALY_OPENED)),
        **common,
    )


def _replay(a: Mapping[str, Any], common: dict[str, Any]) -> r.Record:
    return r.ReplayRecord(
        replay_of=_text(a.get(v.REPLAY_OF)), step=_count(a.get(v.REPLAY_STEP)), mode=a.get(v.REPLAY_MODE),
        result=a.get(v.REPLAY_RESULT), **common,
    )  # fmt: skip


def _with_price(record: r.LLMRecord, span: FinishedSpan) -> r.LLMRecord:
    if span.price is None:
        return record
    object.__setattr__(record, "priced", True)  # not handed out yet; dataclasses.replace costs ten times as much
    object.__setattr__(record, "cost_usd", span.price.total_usd)
    return record


def ledger_line(record: r.LLMRecord, span: FinishedSpan, common: dict[str, Any] | None = None) -> r.CostRecord:
    """What a call is in the ledger."""
    price = span.price
    if common is None:
        common = {name: getattr(record, name) for name in _COMMON}
    cached = record.cache_read_tokens + record.cache_write_tokens
    return r.CostRecord(
        **{**common, "record_id": f"{common['record_id']}:cost", "attributes": {}, "events": (), "payload": None},
        provider=record.provider,
        model=record.model,
        tokens_input=max(0, record.input_tokens - cached),
        tokens_output=max(0, record.output_tokens - record.reasoning_tokens),
        tokens_cache_read=record.cache_read_tokens,
        tokens_cache_write=record.cache_write_tokens,
        tokens_reasoning=record.reasoning_tokens,
        tokens_total=record.input_tokens + record.output_tokens,
        cost_per_input_token=None if price is None else price.cost_per_input_token,
        cost_per_output_token=None if price is None else price.cost_per_output_token,
        total_cost_usd=record.cost_usd,
        priced=record.priced,
        estimated=record.estimated,
        service_tier=record.service_tier,
        price_source=None if price is None else price.source,
    )


_BUILDERS: dict[str, Callable[[Mapping[str, Any], dict[str, Any]], r.Record]] = {
    v.KIND_SPAN: _span,
    v.KIND_SESSION: _session,
    v.KIND_TASK: _task,
    v.KIND_LLM_CALL: _llm,
    v.KIND_TOOL_CALL: _tool,
    v.KIND_MEMORY: _memory,
    v.KIND_CONTEXT: _context,
    v.KIND_SAFETY: _safety,
    v.KIND_DECISION: _decision,
    v.KIND_ANNOTATION: _annotation,
    v.KIND_SCORE: _score,
    v.KIND_ANOMALY: _anomaly,
    v.KIND_REPLAY: _replay,
}
