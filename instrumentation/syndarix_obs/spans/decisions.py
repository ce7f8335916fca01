"""Decisions, safety checks and notes: things that happen at one moment."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from syndarix_obs import vocabulary as v
from syndarix_obs.guard import guarded
from syndarix_obs.spans.operations import shallow
from syndarix_obs.spans.sessions import instant
from syndarix_obs.spans.span import LightSpan, SpanSource

_log = logging.getLogger("syndarix_obs")


def decide(
    source: SpanSource,
    decision_type: str,
    *,
    options: Sequence[Any],
    selected: Any,
    reasoning: str | None,
    confidence: float | None,
    context_summary: Any,
    relevant_memory: Any,
    confidence_source: str,
) -> str:
    """Record one decision; returns its id."""
    decision_id = uuid.uuid4().hex
    attributes: dict[str, Any] = {
        v.KIND: v.KIND_DECISION,
        v.DECISION_ID: decision_id,
        v.DECISION_TYPE: decision_type,
        v.DECISION_OPTIONS: shallow(options),
        v.DECISION_SELECTED: selected,
    }
    if confidence is not None:
        attributes[v.DECISION_CONFIDENCE] = confidence
        if confidence_source != v.CONFIDENCE_STATED:
            attributes[v.DECISION_CONFIDENCE_SOURCE] = confidence_source
    with guarded("decision"):  # values of the agent's own may raise when they are compared
        _doubts(options, selected, confidence)
    payload = {"reasoning": reasoning, "context_summary": context_summary, "relevant_memory": relevant_memory}
    instant(source, "decide", attributes, {k: value for k, value in payload.items() if value is not None})
    return decision_id


def _doubts(options: Sequence[Any], selected: Any, confidence: float | None) -> None:
    """Say what looks like a mistake, once for each kind; the decision is recorded as it was given."""
    if selected is not None and options and selected not in options:
        _warn_once("selected", "decision(selected=%r) is not among its options %r", selected, list(options)[:8])
    if confidence is not None and not (isinstance(confidence, (int, float)) and 0 <= confidence <= 1):
        _warn_once("confidence", "decision(confidence=%r) is not between 0 and 1", confidence)


_warned: set[str] = set()


def _warn_once(kind: str, message: str, *values: Any) -> None:
    if kind not in _warned:
        _warned.add(kind)
        _log.warning("syndarix-obs: " + message + "; further ones are not told", *values)


def check(source: SpanSource, name: str, passed: bool, detail: Any) -> None:
    """Record one safety check."""
    attributes = {v.KIND: v.KIND_SAFETY, v.SAFETY_CHECK: name, v.SAFETY_PASSED: passed}
    instant(source, "safety_check", attributes, {} if detail is None else {"detail": detail})


def annotate(
    source: SpanSource,
    note: str,
    target: str | None,
    label: str | None,
    trace_id: str | None,
    session_id: str | None = None,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Attach a note to a trace, span or decision.

    Without `target` the current span is meant. `trace_id` says in which trace a span or decision of the past lies; the
    note becomes a span of that trace, so that it is found with it.
    """
    current = trace.get_current_span()
    if target is None:
        target = f"{current.get_span_context().span_id:016x}"
    attributes = {**(more or {}), v.KIND: v.KIND_ANNOTATION, v.ANNOTATION_TARGET: target}
    if label is not None:
        attributes[v.ANNOTATION_LABEL] = label
    if session_id is not None:
        attributes[v.SESSION_ID] = session_id
    span = LightSpan(source, "annotation")
    span.attributes = attributes
    span.payload = {"note": note}
    parent = _parent_of_note(target, trace_id)
    context = None if parent is None else trace.set_span_in_context(parent, otel_context.get_current())
    span.begin(context)
    span.end(span.start_ns)


def anomaly(source: SpanSource, state: str, values: Mapping[str, Any], at_ns: int | None) -> None:
    """Record what happened to an episode. It hangs under a stand-in (span id 1), so that it is no trace in a list."""
    span = LightSpan(source, f"anomaly {state}")
    span.attributes = {v.KIND: v.KIND_ANOMALY, v.ANOMALY_STATE: state}
    span.attributes |= {key: value for key, value in values.items() if value is not None}
    flags = TraceFlags(TraceFlags.SAMPLED)
    parent = NonRecordingSpan(SpanContext(source.ids.trace_id(), 1, is_remote=True, trace_flags=flags))
    span.begin(trace.set_span_in_context(parent, otel_context.Context()), at_ns)
    span.end(span.start_ns)


def _parent_of_note(target: Any, trace_id: str | None) -> NonRecordingSpan | None:
    """The span a note of another trace hangs under: the target, or a stand-in (span id 1) when the trace is meant."""
    wanted = target if trace_id is None else trace_id
    if not _is_hex(wanted, 32):
        return None
    span_id = int(target, 16) if _is_hex(target, 16) else 1
    flags = TraceFlags(TraceFlags.SAMPLED)
    return NonRecordingSpan(SpanContext(int(wanted, 16), span_id, is_remote=True, trace_flags=flags))


def parent_in(trace_id: str, span_id: str | None) -> Context | None:
    """The context of a step in a trace of any time, or of the trace alone; None when that is no id of a trace."""
    parent = _parent_of_note(span_id, trace_id)
    return None if parent is None else trace.set_span_in_context(parent, Context())


def _is_hex(text: Any, length: int) -> bool:
    return isinstance(text, str) and len(text) == length and all(c in "0123456789abcdef" for c in text)
