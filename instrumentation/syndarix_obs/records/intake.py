"""From an ended span, light or of the OpenTelemetry SDK, to the worker's `FinishedSpan`."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import StatusCode

from syndarix_obs import vocabulary as v
from syndarix_obs.foreign import Abandoned, run
from syndarix_obs.records import enclosing
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import SpanEvent
from syndarix_obs.spans.correlation import Correlation
from syndarix_obs.spans.span import LightSpan

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

_KINDS = ("internal", "server", "client", "producer", "consumer")


def from_light(span: LightSpan) -> FinishedSpan:
    """The worker's view of one of our spans; runs the span's own finisher, if it has one."""
    correlation, opens_session = enclosing.of_light(span)
    finished = FinishedSpan(
        name=span.name,
        trace_id=f"{span.trace_id:032x}",
        span_id=f"{span.span_id:016x}",
        parent_id=f"{span.parent_id:016x}" if span.parent_id else None,
        span_kind=_KINDS[span.kind.value],
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        status=v.STATUS_ERROR if span.status_code is StatusCode.ERROR else v.STATUS_OK,
        status_message=span.status_message,
        attributes=dict(span.attributes),  # the worker refines its own; the span may still be read from
        payload=span.payload,
        scope=span.scope,
        correlation=correlation,
        remote_parent=span.remote_parent,
    )
    if opens_session:
        finished.attributes[v.KIND] = v.KIND_SESSION
        finished.attributes[v.SESSION_ID] = enclosing.session_of(span.attributes) or finished.trace_id
        finished.attributes.setdefault(v.GEN_AI_AGENT_NAME, enclosing.agent_name(span.attributes) or span.name)
    finished.keep = span.sampled
    if span.added_events:
        finished.events = [_event(*event) for event in span.added_events]
    if span.added_links:
        finished.links = [(f"{c.trace_id:032x}", f"{c.span_id:016x}") for c, _attributes in span.added_links]
    if span.error is not None:
        _describe_error(finished, span.error)
    if span.finisher is not None:
        run(span.finisher, finished)
    return finished


def _event(name: str, timestamp_ns: int, attributes: Mapping[str, Any] | None) -> SpanEvent:
    return SpanEvent(name, timestamp_ns, event_attributes(attributes))


def event_attributes(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """An event's attributes, with those that describe an exception in place of the exception itself."""
    if attributes and isinstance(attributes.get("exception"), BaseException):
        return {**_exception_attributes(attributes["exception"]), **_without(attributes, "exception")}
    return dict(attributes or {})


def _without(attributes: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {k: value for k, value in attributes.items() if k != key}


def error_type(error: BaseException) -> str:
    """The exception's qualified name, without `builtins.`."""
    cls = type(error)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def error_text(error: BaseException) -> str:
    """The exception's message; a class whose `str()` fails gets a stand-in."""
    try:
        return run(str, error)
    except Abandoned:
        raise
    except BaseException:  # noqa: BLE001 - the agent's exception class is not ours to trust
        return f"<{type(error).__name__} has no readable message>"


def _exception_attributes(error: BaseException) -> dict[str, Any]:
    try:
        stack = "".join(run(traceback.format_exception, error))
    except Abandoned:
        raise
    except BaseException:  # noqa: BLE001 - the same
        stack = ""
    return {"exception.type": error_type(error), "exception.message": error_text(error), "exception.stacktrace": stack}


def _describe_error(finished: FinishedSpan, error: BaseException) -> None:
    finished.attributes.setdefault(v.ERROR_TYPE, error_type(error))
    if finished.status_message is None and finished.status == v.STATUS_ERROR:
        finished.status_message = error_text(error)


def from_sdk(span: ReadableSpan, correlation: Correlation) -> FinishedSpan:
    """The worker's view of a span that the OpenTelemetry SDK made (an application with a provider of its own)."""
    context, parent = span.get_span_context(), span.parent
    scope = span.instrumentation_scope
    finished = FinishedSpan(
        name=span.name,
        trace_id=f"{context.trace_id:032x}" if context else "0" * 32,
        span_id=f"{context.span_id:016x}" if context else "0" * 16,
        parent_id=f"{parent.span_id:016x}" if parent else None,
        span_kind=_KINDS[span.kind.value],
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        status=v.STATUS_ERROR if span.status.status_code is StatusCode.ERROR else v.STATUS_OK,
        status_message=span.status.description,
        attributes=dict(span.attributes or {}),
        events=[_event(e.name, e.timestamp, e.attributes) for e in span.events],
        links=[(f"{k.context.trace_id:032x}", f"{k.context.span_id:016x}") for k in span.links],
        scope=(scope.name, scope.version) if scope else ("", None),
        correlation=correlation,
        remote_parent=bool(parent and parent.is_remote),
    )
    finished.keep = bool(context and context.trace_flags.sampled)
    return finished
