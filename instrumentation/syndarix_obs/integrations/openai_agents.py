"""The OpenAI Agents SDK, through its own trace processors: agents, tools and guardrails around the calls of its client.

The calls themselves are watched where they are made. A run outside of every session of ours is a session.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context, get_current

from syndarix_obs import vocabulary as v
from syndarix_obs.guard import guarded
from syndarix_obs.spans.correlation import CORRELATION_KEY, current
from syndarix_obs.spans.operations import Operation, ToolCall, text_of
from syndarix_obs.spans.sessions import Session
from syndarix_obs.spans.span import SPAN_KEY, SpanSource

if TYPE_CHECKING:
    from syndarix_obs.pipeline.runtime import Runtime

MODULE: Final = "agents"
DISTRIBUTION: Final = "openai-agents"
_MOST_OPEN: Final = 10_000


@dataclass(slots=True)
class _Open:
    """One span that runs, and the context of what is inside of it."""

    operation: Operation
    context: Context


class _Processor:
    """A trace processor of the SDK. Its methods are called where the spans begin and end, and never raise."""

    def __init__(self, source: SpanSource, project: str | None) -> None:
        self._source = source
        self._project = project
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self.active = True

    def on_trace_start(self, trace: Any) -> None:
        """Nothing yet: the session is named by the first agent."""

    def on_trace_end(self, trace: Any) -> None:
        """The run is over."""
        with guarded("openai_agents"):
            self._end(trace.trace_id)

    def on_span_start(self, span: Any) -> None:
        """An agent, a tool or a guardrail begins."""
        with guarded("openai_agents"):
            make = _MAKERS.get(span.span_data.type)
            if self.active and make is not None:
                if span.span_data.type == "agent" and current().session_id is None:
                    self._open_session(span)
                self._start(span.span_id, make(self._source, span.span_data), span.parent_id or span.trace_id)

    def on_span_end(self, span: Any) -> None:
        """It has ended; now its input and output are known."""
        with guarded("openai_agents"):
            found = self._open.get(span.span_id)
            if found is not None:
                _finish(found.operation, span)
                self._end(span.span_id)

    def shutdown(self) -> None:
        """Nothing waits here."""

    def force_flush(self) -> None:
        """Nothing waits here."""

    def _open_session(self, span: Any) -> None:
        trace = _current_trace()
        session_id = getattr(trace, "group_id", None) or span.trace_id
        session = Session(self._source, span.span_data.name, None, self._project, None, session_id)
        self._start(span.trace_id, session, None)

    def _start(self, key: str, operation: Operation, parent: str | None) -> None:
        """Begin inside of the parent, wherever the SDK calls from."""
        around = self._open.get(parent) if parent is not None else None
        context = get_current() if around is None else Context({**get_current(), **_identity(around.context)})
        operation._attach(operation.begin(context))
        own = {**context, SPAN_KEY: operation, CORRELATION_KEY: operation.correlation}
        self._open[key] = _Open(operation, Context(own))
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)

    def _end(self, key: str) -> None:
        found = self._open.pop(key, None)
        if found is not None:
            found.operation.stop()


def _identity(context: Context) -> dict[str, Any]:
    return {key: context[key] for key in (SPAN_KEY, CORRELATION_KEY) if key in context}


def _current_trace() -> Any:
    return import_module("agents.tracing").get_current_trace()


def _agent(source: SpanSource, data: Any) -> Operation:
    made = Operation(source, f"invoke_agent {text_of(data.name)}")
    made.attributes = {v.GEN_AI_OPERATION_NAME: v.OPERATION_INVOKE_AGENT, v.GEN_AI_AGENT_NAME: data.name}
    return made


def _tool(source: SpanSource, data: Any) -> Operation:
    return ToolCall(source, data.name, None, None)


def _guardrail(source: SpanSource, data: Any) -> Operation:
    made = Operation(source, f"guardrail {text_of(data.name)}")
    made.attributes = {v.KIND: v.KIND_SAFETY, v.SAFETY_CHECK: data.name}
    return made


_MAKERS: Final[dict[str, Callable[[SpanSource, Any], Operation]]] = {
    "agent": _agent, "function": _tool, "guardrail": _guardrail,
}  # fmt: skip


def _finish(operation: Operation, span: Any) -> None:
    data = span.span_data
    if data.type == "function":
        operation._put("arguments", _decoded(data.input))
        operation._put("result", data.output)
    elif data.type == "guardrail":
        operation.attributes[v.SAFETY_PASSED] = not data.triggered
    error = span.error
    if error:
        operation.set_error(text_of(error.get("message", "")), f"{data.type}_error")


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def watch(runtime: Runtime) -> Callable[[], None]:
    """Add a trace processor; returns a function that takes it out.

    Raises:
        ImportError, AttributeError: `agents` is another package, or a version that we do not know.
    """
    tracing = import_module("agents.tracing")
    processor = _Processor(runtime.source, runtime.settings.project)
    tracing.add_trace_processor(processor)

    def undo() -> None:
        processor.active = False  # the SDK has no way to take one out

    return undo
