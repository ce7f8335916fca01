"""What others read from a light span: the surface of the OpenTelemetry SDK's `ReadableSpan`, made when it is asked for.

Instrumentors expect the SDK's span and read from it: whether the status is set, when it started, its attributes. These
are properties, so that a span nobody reads from costs nothing more. They run in the reader's thread.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import Attributes

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope

    from syndarix_obs.spans.span import SpanSource


class ReadableSurface:
    """The readable side of a light span. Names with `_` are the SDK's own, which instrumentors read all the same."""

    __slots__ = ()

    if TYPE_CHECKING:  # slots of the light span
        name: str
        kind: SpanKind
        attributes: dict[str, Any]
        scope: tuple[str, str | None]
        source: SpanSource
        trace_id: int
        parent_id: int
        remote_parent: bool
        sampled: bool
        trace_state: Any
        start_ns: int
        end_ns: int
        status_code: StatusCode
        status_message: str | None
        error: BaseException | None
        added_events: list[tuple[str, int, Attributes]] | None
        added_links: list[tuple[SpanContext, Attributes]] | None

        def get_span_context(self) -> SpanContext: ...

    @property
    def context(self) -> SpanContext:
        """The span's W3C identity."""
        return self.get_span_context()

    @property
    def parent(self) -> SpanContext | None:
        """The parent's W3C identity; None for the first span of a trace."""
        if not self.parent_id:
            return None
        flags = TraceFlags(TraceFlags.SAMPLED if self.sampled else TraceFlags.DEFAULT)
        return SpanContext(self.trace_id, self.parent_id, self.remote_parent, flags, self.trace_state)

    @property
    def start_time(self) -> int | None:
        """Nanoseconds since the epoch; None before the start."""
        return self.start_ns or None

    @property
    def end_time(self) -> int | None:
        """Nanoseconds since the epoch; None before the end."""
        return self.end_ns or None

    @property
    def status(self) -> Status:
        """The outcome so far."""
        if self.status_code is not StatusCode.ERROR:
            return Status(self.status_code)
        message = self.status_message
        if message is None and self.error is not None:
            from syndarix_obs.records.intake import error_text

            message = error_text(self.error)
        return Status(StatusCode.ERROR, message)

    @property
    def events(self) -> Sequence[Event]:
        """The events so far, exceptions as text."""
        if not self.added_events:
            return ()
        from opentelemetry.sdk.trace import Event

        from syndarix_obs.records.intake import event_attributes

        return tuple(Event(name, event_attributes(more), at) for name, at, more in list(self.added_events))

    @property
    def links(self) -> Sequence[Link]:
        """The links so far."""
        return tuple(Link(context, attributes) for context, attributes in list(self.added_links or ()))

    @property
    def resource(self) -> Resource:
        """Who emits, as it is sent with the span."""
        resource: Resource = self.source.sdk_resource()
        return resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        """Name and version of the library that opened the span."""
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        return InstrumentationScope(*self.scope)

    @property
    def instrumentation_info(self) -> InstrumentationInfo:
        """The same, under the name it had before OpenTelemetry 1.11."""
        from opentelemetry.sdk.util.instrumentation import InstrumentationInfo

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return InstrumentationInfo(*self.scope)

    @property
    def dropped_attributes(self) -> int:
        """Nothing is dropped on a light span."""
        return 0

    dropped_events = dropped_links = dropped_attributes

    def to_json(self, indent: int | None = 4) -> str:
        """The span as the SDK writes it."""
        text: str = self._readable_span().to_json(indent)
        return text

    def _readable_span(self) -> ReadableSpan:
        """A copy of the span, of the SDK's own class."""
        from opentelemetry.attributes import BoundedAttributes
        from opentelemetry.sdk.trace import ReadableSpan

        return ReadableSpan(
            self.name,
            self.context,
            self.parent,
            self.resource,
            BoundedAttributes(attributes=dict(self.attributes), immutable=False),
            self.events,
            self.links,
            self.kind,
            None,
            self.status,
            self.start_time,
            self.end_time,
            self.instrumentation_scope,
        )

    @property
    def _attributes(self) -> dict[str, Any]:
        return self.attributes

    @_attributes.setter
    def _attributes(self, attributes: Mapping[str, Any]) -> None:
        self.attributes = dict(attributes)  # type: ignore[misc]  # a slot of the light span

    _context, _parent, _status, _events, _links = context, parent, status, events, links
    _start_time, _end_time, _resource = start_time, end_time, resource
    _instrumentation_scope, _instrumentation_info = instrumentation_scope, instrumentation_info

    @property
    def _name(self) -> str:
        return self.name

    @property
    def _kind(self) -> SpanKind:
        return self.kind
