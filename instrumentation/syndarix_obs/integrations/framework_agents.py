"""What a framework is running just now, where it says so in a place of its own and not in OpenTelemetry's context."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context

from syndarix_obs.guard import guarded
from syndarix_obs.integrations.runs import inside
from syndarix_obs.spans.span import SPAN_KEY

_LANGCHAIN: Final = "langchain_core.runnables.config"
_NAMES: Final = ("lc_agent_name", "agent_name")
_OPENINFERENCE: Final = "openinference.instrumentation.langchain"


def running_agent() -> str | None:
    """Name of the agent whose step this is, None outside of every framework. In the caller's thread; never raises."""
    config = sys.modules.get(_LANGCHAIN)
    if config is None:
        return None
    try:
        current: Any = config.var_child_runnable_config.get()
        metadata = (current or {}).get("metadata") or {}
        found = next((metadata[name] for name in _NAMES if metadata.get(name)), None)
    except Exception:  # noqa: BLE001 - another version of the framework, which keeps it elsewhere
        return None
    return found if isinstance(found, str) else None


_around: list[Callable[[], Context | None]] = []
"""Who knows the context inside of the run of a framework that goes on here: one for each that a platform watches."""


def add(around: Callable[[], Context | None]) -> None:
    """Ask this one too."""
    _around.append(around)


def remove(around: Callable[[], Context | None]) -> None:
    """Ask it no more."""
    if around in _around:
        _around.remove(around)


def _inside_of_run(context: Context) -> Context:
    """The context inside of the run that goes on, as the framework's own context variable says."""
    for around in _around:
        found: Context | None = None
        with guarded("framework"):  # another version may keep it elsewhere
            found = around()
        if found is not None:
            return inside(context, found)
    return context


def inside_of_framework(context: Context) -> Context:
    """The context inside of the LangChain step that runs now, where OpenInference has opened a span for it.

    It keeps its spans to itself: without this the client's call would stand beside them, or in a trace of its own.
    In the caller's thread; never raises.
    """
    instrumentation = sys.modules.get(_OPENINFERENCE)
    if instrumentation is None:
        return _inside_of_run(context)
    try:
        span = instrumentation.get_current_span()
    except Exception:  # noqa: BLE001 - another version of it
        return _inside_of_run(context)
    if not isinstance(span, trace.Span) or not span.is_recording():
        return _inside_of_run(context)
    around = context.get(SPAN_KEY)
    trace_id = span.get_span_context().trace_id
    if isinstance(around, trace.Span) and around.get_span_context().trace_id not in (0, trace_id):
        return context
    return Context({**context, SPAN_KEY: span})
