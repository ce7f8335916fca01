"""The light span: an OpenTelemetry span that only holds references until it has ended.

It implements `opentelemetry.trace.Span`, so that context, propagation and third-party children work, but converts,
validates and copies nothing. `end()` hands the object to the pipeline's queue; the worker turns it into a
`FinishedSpan`. Ids come from a generator of our own because programs call `random.seed()`, which would repeat ids.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import Attributes, AttributeValue

from syndarix_obs.records.resource import Resource
from syndarix_obs.spans.correlation import CORRELATION_KEY, NOTHING, Correlation
from syndarix_obs.spans.readable import ReadableSurface

# The key under which OpenTelemetry keeps the current span, found through its public API.
SPAN_KEY = next(iter(trace.set_span_in_context(trace.INVALID_SPAN, Context())))
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_NOT_SAMPLED = TraceFlags(TraceFlags.DEFAULT)
_MAX_TRACE_ID = (1 << 64) - 1

_random = random.Random(os.urandom(16))  # noqa: S311 - ids need to be unique, not secret
os.register_at_fork(after_in_child=lambda: _random.seed(os.urandom(16)))


class RandomIds:
    """Random trace and span ids that survive `random.seed()` and `fork()`."""

    __slots__ = ()

    def trace_id(self) -> int:
        """A random non-zero 128-bit id."""
        return _random.getrandbits(128) or 1

    def span_id(self) -> int:
        """A random non-zero 64-bit id."""
        return _random.getrandbits(64) or 1


class Asked(Protocol):
    """Who is asked before a model or a tool is called; raises to refuse."""

    def before_call(self, span: LightSpan) -> None:
        """A model is about to be called: the span has begun and is not the current one yet."""

    def before_tool(self, span: LightSpan) -> None:
        """A tool is about to be called: the span has not begun."""


class SpanSource:
    """What every light span of one platform shares: where it goes when it ends, ids, clock and head sampling.

    Args:
        sink: called with each ended span, in the caller's thread; must not block or raise.
        started: called with each started session operation, for the pending row and the active gauge.
        ids: id generator with `trace_id()` and `span_id()`.
        clock: wall clock in nanoseconds since the epoch.
        monotonic: clock for durations in nanoseconds, immune to steps of the wall clock.
        ratio: share of traces whose W3C sampled flag is set.
        resource: who emits, for those who read it from a span.

    `guard` is asked before each call of a model or tool; None while there is no budget.
    """

    __slots__ = ("_resource", "bound", "clock", "guard", "ids", "monotonic", "sink", "started")

    def __init__(
        self,
        sink: Callable[[LightSpan], None],
        *,
        started: Callable[[LightSpan], None] = lambda _span: None,
        ids: Any = None,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.perf_counter_ns,
        ratio: float = 1.0,
        resource: Resource | None = None,
    ) -> None:
        self.sink = sink
        self.started = started
        self.ids = ids or RandomIds()
        self.clock = clock
        self.monotonic = monotonic
        self.bound = round(ratio * (_MAX_TRACE_ID + 1))
        self._resource: Any = resource or Resource()
        self.guard: Asked | None = None

    def sdk_resource(self) -> Any:
        """Who emits, as a resource of the OpenTelemetry SDK; made at first use."""
        if isinstance(self._resource, Resource):
            from opentelemetry.sdk import resources

            self._resource = resources.Resource(self._resource.as_attributes())
        return self._resource

    def samples(self, trace_id: int) -> bool:
        """Whether a new trace is kept by the head ratio: decided by the id alone, so every service agrees."""
        return (trace_id & _MAX_TRACE_ID) < self.bound


class LightSpan(ReadableSurface, trace.Span):
    """One span, cheap to open and to end. See the module's text.

    `enclosing` is the light span around it, by which the worker finds the agent that it works for.
    `left` is set when the span was ended in another thread or task than the one that entered it: the context that was
    current before, because there the ended span cannot be taken out of the current context any more.
    """

    __slots__ = (
        "_monotonic_start", "added_events", "added_links", "attributes", "correlation", "enclosing", "end_ns", "error",
        "finisher",
        "kind", "left", "name", "parent_id", "payload", "remote_parent", "sampled", "scope", "source", "span_id",
        "start_ns", "status_code", "status_message", "trace_id", "trace_state",
    )  # fmt: skip

    def __init__(self, source: SpanSource, name: str, scope: tuple[str, str | None] = ("syndarix_obs", None)) -> None:
        self.source = source
        self.name = name
        self.scope = scope
        self.kind = SpanKind.INTERNAL
        self.trace_id = 0
        self.span_id = 0
        self.parent_id = 0
        self.remote_parent = False
        self.sampled = True
        self.trace_state: Any = None
        self.start_ns = 0
        self.end_ns = 0
        self.attributes: dict[str, Any] = {}
        self.payload: dict[str, Any] | None = None
        self.added_events: list[tuple[str, int, Attributes]] | None = None
        self.added_links: list[tuple[SpanContext, Attributes]] | None = None
        self.status_code = StatusCode.UNSET
        self.status_message: str | None = None
        self.error: BaseException | None = None
        self.correlation: Correlation = NOTHING
        self.finisher: Callable[[Any], None] | None = None
        self.left: Context | None = None
        self.enclosing: LightSpan | None = None

    def begin(self, context: Context | None = None, start_ns: int | None = None) -> Context:
        """Take ids, parent, correlation and start time; returns the context that was looked at."""
        if context is None:
            context = otel_context.get_current()
        source = self.source
        parent = context.get(SPAN_KEY)
        if isinstance(parent, LightSpan) and parent.left is not None:
            context = before_left(context)
            parent = context.get(SPAN_KEY)
        if isinstance(parent, LightSpan):
            self.trace_id, self.parent_id, self.sampled = parent.trace_id, parent.span_id, parent.sampled
            self.trace_state = parent.trace_state
            self.enclosing = parent
        elif not (isinstance(parent, trace.Span) and self._adopt(parent.get_span_context())):
            self.trace_id = source.ids.trace_id()
            self.sampled = source.samples(self.trace_id)
        self.span_id = source.ids.span_id()
        correlation = context.get(CORRELATION_KEY)
        if correlation is not None:
            self.correlation = correlation  # type: ignore[assignment]  # the key is ours: only Correlation is stored
        self._monotonic_start = source.monotonic()
        self.start_ns = source.clock() if start_ns is None else start_ns
        return context

    def _adopt(self, parent: SpanContext) -> bool:
        """Become a child of somebody else's span; False where that one is invalid."""
        if not parent.is_valid:
            return False
        self.trace_id, self.parent_id = parent.trace_id, parent.span_id
        self.sampled = parent.trace_flags.sampled
        self.remote_parent = parent.is_remote
        self.trace_state = parent.trace_state
        return True

    # --- the OpenTelemetry API ---

    def end(self, end_time: int | None = None) -> None:
        """Finish the span once; further calls are ignored. `end_time` is nanoseconds since the epoch."""
        if self.end_ns or not self.start_ns:
            return
        if end_time is None:
            end_time = self.start_ns + self.source.monotonic() - self._monotonic_start
        self.end_ns = end_time or 1
        self.source.sink(self)

    def get_span_context(self) -> SpanContext:
        """The span's W3C identity."""
        flags = _SAMPLED if self.sampled else _NOT_SAMPLED
        return SpanContext(self.trace_id, self.span_id, False, flags, self.trace_state)

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Set several attributes; ignored after the end."""
        if not self.end_ns:
            self.attributes.update(attributes)

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Set one attribute; ignored after the end."""
        if not self.end_ns:
            self.attributes[key] = value

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add an event; `timestamp` is nanoseconds since the epoch, now by default."""
        if self.added_events is None:
            self.added_events = []
        self.added_events.append((name, timestamp or self.source.clock(), attributes))

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Link to a span of another trace."""
        if self.added_links is None:
            self.added_links = []
        self.added_links.append((context, attributes))

    def update_name(self, name: str) -> None:
        """Rename the span."""
        self.name = name

    def is_recording(self) -> bool:
        """True between start and end."""
        return self.start_ns != 0 and self.end_ns == 0

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the outcome; an explicit OK is final, as in the specification."""
        code = status
        if isinstance(status, Status):
            code, description = status.status_code, status.description
        if self.status_code is StatusCode.OK or code is StatusCode.UNSET or not isinstance(code, StatusCode):
            return
        self.status_code = code
        self.status_message = description if code is StatusCode.ERROR else None

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: ARG002 - part of the OpenTelemetry signature, deprecated there
    ) -> None:
        """Keep a reference to an exception; its text is looked at on the worker only."""
        self.error = exception
        self.add_event("exception", {"exception": exception, **(attributes or {})}, timestamp)  # type: ignore[dict-item]  # resolved to text by the worker


def before_left(context: Context) -> Context:
    """The context without spans that were ended elsewhere and are still current in this one."""
    span = context.get(SPAN_KEY)
    while isinstance(span, LightSpan) and span.left is not None:
        context = span.left
        span = context.get(SPAN_KEY)
    return context


def start_links(span: LightSpan, links: Sequence[trace.Link] | None) -> None:
    """Copy the links given at start."""
    for link in links or ():
        span.add_link(link.context, link.attributes)
