"""The `anthropic` client's own spans. On their own they count like any other; under a span that already stands for the
same call they would count it twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind
from opentelemetry.util._decorator import _agnosticcontextmanager
from opentelemetry.util.types import Attributes

from syndarix_obs import vocabulary as v

_NATIVE_SCOPE: Final = "com.anthropic.sdk.python"


def repeats(scope: str, parent: Any) -> bool:
    """Whether a span of this instrumentation scope only repeats what its parent tells.

    Args:
        scope: name of the instrumentation scope.
        parent: the span that is current where it starts, or None.
    """
    if not is_native(scope):
        return False
    attributes = getattr(parent, "attributes", None)
    return attributes is not None and attributes.get(v.GEN_AI_OPERATION_NAME) in v.LLM_OPERATIONS


class NativeTracer(trace.Tracer):
    """The tracer that the `anthropic` client gets: silent where its span would only repeat another.

    Args:
        tracer: opens the spans that are wanted.
        scope: the client's instrumentation scope.
    """

    def __init__(self, tracer: trace.Tracer, scope: str) -> None:
        self._tracer = tracer
        self._scope = scope

    def start_span(self, name: str, context: Context | None = None, *args: Any, **kwargs: Any) -> trace.Span:
        """A span, or a silent one that carries its parent's identity."""
        parent = trace.get_current_span(context)
        if repeats(self._scope, parent):
            return trace.NonRecordingSpan(parent.get_span_context())
        return self._tracer.start_span(name, context, *args, **kwargs)

    @_agnosticcontextmanager
    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[trace.Span]:
        """The same as the current span of a block."""
        span = self.start_span(name, context, kind, attributes, links, start_time)
        with trace.use_span(span, end_on_exit, record_exception, set_status_on_exception):
            yield span


def is_native(scope: str) -> bool:
    """Whether an instrumentation scope is the `anthropic` client's own."""
    return scope.startswith(_NATIVE_SCOPE)
