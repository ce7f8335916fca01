"""A tracer provider whose spans are light: instrumentors that ask for a tracer get the cheap path too."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind
from opentelemetry.util.types import Attributes

from syndarix_obs.integrations.native_spans import NativeTracer, is_native
from syndarix_obs.spans.current import CurrentSpanTracer
from syndarix_obs.spans.span import LightSpan, SpanSource, start_links


class LightTracer(CurrentSpanTracer):
    """Opens light spans under one instrumentation scope."""

    def __init__(self, source: SpanSource, scope: tuple[str, str | None]) -> None:
        self._source = source
        self._scope = scope

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: ARG002 - acted on by use_span, which start_as_current_span calls
        set_status_on_exception: bool = True,  # noqa: ARG002 - the same
    ) -> LightSpan:
        """Start a span without making it current."""
        span = LightSpan(self._source, name, self._scope)
        span.kind = kind
        if attributes:
            span.attributes.update(attributes)
        start_links(span, links)
        span.begin(context, start_time)
        return span


class LightTracerProvider(trace.TracerProvider):
    """Hands out light tracers. Pass it to an instrumentor, or set it as the global provider."""

    def __init__(self, source: SpanSource) -> None:
        self._source = source

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,  # noqa: ARG002 - part of the OpenTelemetry signature
        attributes: Attributes = None,  # noqa: ARG002 - the same
    ) -> trace.Tracer:
        """A tracer for one instrumentation scope."""
        tracer = LightTracer(self._source, (instrumenting_module_name, instrumenting_library_version))
        if is_native(instrumenting_module_name):
            return NativeTracer(tracer, instrumenting_module_name)
        return tracer
