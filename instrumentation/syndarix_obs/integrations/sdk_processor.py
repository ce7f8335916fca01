"""For programs with an OpenTelemetry SDK provider of their own: its spans take the same way as ours."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from syndarix_obs.guard import guarded
from syndarix_obs.integrations.native_spans import repeats
from syndarix_obs.records.enclosing import inside, is_agent
from syndarix_obs.spans.correlation import NOTHING, Correlation, current

_MOST_OPEN: Final = 100_000


class PlatformSpanProcessor(SpanProcessor):
    """Hands every ended span to the platform, with the correlation it started in. Never blocks.

    Add it with `provider.add_span_processor(obs.span_processor())`. Spans that the provider's sampler drops do not
    reach any processor, so they are not counted either.

    Args:
        submit: takes `(span, correlation)`.
    """

    def __init__(self, submit: Callable[[Any], None]) -> None:
        self._submit = submit
        # The span that ends is a copy of the one that started, so nothing can be kept on it.
        self._started: OrderedDict[tuple[int, int], Correlation | None] = OrderedDict()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Keep the correlation of the context that the span starts in; None for a span that is not to be counted."""
        with guarded("sdk_start"):
            scope = span.instrumentation_scope
            parent = trace.get_current_span(parent_context)
            wanted = scope is None or not repeats(scope.name, parent)
            self._started[_key(span)] = self._correlation(parent, parent_context) if wanted else None
            if len(self._started) > _MOST_OPEN:  # spans that never end
                self._started.popitem(last=False)

    def _correlation(self, parent: Any, context: Context | None) -> Correlation:
        """The context's, with the agents that frameworks' spans around it name."""
        found = current(context)
        if not isinstance(parent, ReadableSpan):
            return found
        around = self._started.get(_key(parent))
        if around is not None and around.session_id is not None and found.session_id in (None, around.session_id):
            found = around if around.derived or found.session_id is None else found
        if is_agent(parent.attributes or {}):
            trace_id = f"{parent.context.trace_id:032x}"
            found = inside(found, parent.attributes or {}, trace_id, outermost=parent.parent is None)
        elif around is not None and around.derived and not found.derived:
            found = dataclasses.replace(found, agent=around.agent, derived=True)
        return found

    def on_end(self, span: ReadableSpan) -> None:
        """Hand the span over."""
        with guarded("sdk_end"):
            correlation = self._started.pop(_key(span), NOTHING)
            if correlation is not None:
                self._submit((span, correlation))

    def shutdown(self) -> None:
        """The platform outlives the provider; nothing to do."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - part of the interface
        """Nothing waits here."""
        return True


def _key(span: ReadableSpan) -> tuple[int, int]:
    context = span.get_span_context()
    return (context.trace_id, context.span_id) if context else (0, 0)
