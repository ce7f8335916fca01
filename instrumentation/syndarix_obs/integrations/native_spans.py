"""The `anthropic` client's own spans. On their own they count like any other; under a span that already stands for the
same call they would count it twice."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context

from syndarix_obs import vocabulary as v
from syndarix_obs.spans.current import CurrentSpanTracer

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


class NativeTracer(CurrentSpanTracer):
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


def is_native(scope: str) -> bool:
    """Whether an instrumentation scope is the `anthropic` client's own."""
    return scope.startswith(_NATIVE_SCOPE)
