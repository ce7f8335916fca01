"""Runs of a framework, as its callbacks tell of them: a run outside of every session is one, and tools are seen.

The calls themselves are watched where they are made, and find the run they belong to by what the framework keeps in a
context variable of its own: nothing of ours is left behind in the caller's context, in whatever thread or generator a
run goes on.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.context import Context, get_current

from syndarix_obs.guard import guarded
from syndarix_obs.spans.correlation import CORRELATION_KEY, current
from syndarix_obs.spans.operations import Operation, ToolCall, text_of
from syndarix_obs.spans.sessions import Session
from syndarix_obs.spans.span import SPAN_KEY, SpanSource

_MOST_OPEN: Final = 10_000


@dataclass(slots=True)
class _Run:
    """Something that goes on: what it is for us, None for a step; and the context of what is inside of it."""

    operation: Operation | None
    context: Context


class Runs:
    """The runs of one platform, by the framework's id of them. Its methods never raise."""

    def __init__(self, source: SpanSource, project: str | None) -> None:
        self._source = source
        self._project = project
        self._open: OrderedDict[Any, _Run] = OrderedDict()
        self.active = True

    def around(self, run_id: Any) -> Context | None:
        """The context inside of a run that is known."""
        found = self._open.get(run_id) if self.active else None
        return None if found is None else found.context

    def knows(self, run_id: Any) -> bool:
        """Whether a run is known and goes on."""
        return run_id in self._open

    def began(self, run_id: Any, agent: str, session_id: str) -> None:
        """A run begins that nothing of the framework is around."""
        with guarded("runs"):
            if not self.active:
                return
            context = get_current()
            if current(context).session_id is None:
                session = Session(self._source, agent, None, self._project, None, session_id)
                self._keep(run_id, _Run(session, _begun(session, context)))
            else:
                self._keep(run_id, _Run(None, _named(context, agent)))

    def step(self, run_id: Any, parent: Any, agent: str | None = None) -> None:
        """A step of a run begins, of another agent where one is named."""
        with guarded("runs"):
            outer = self.around(parent)
            if outer is not None:
                self._keep(run_id, _Run(None, outer if agent is None else _named(outer, agent)))

    def tool(self, run_id: Any, parent: Any, name: Any, arguments: Any) -> None:
        """A tool begins."""
        with guarded("runs"):
            if self.active:
                context = inside(get_current(), self.around(parent))
                tool = ToolCall(self._source, text_of(name or "unknown"), arguments, None)
                self._keep(run_id, _Run(tool, _begun(tool, context)))

    def ended(self, run_id: Any, output: Any = None) -> None:
        """It ended well."""
        with guarded("runs"):
            operation = self._taken(run_id)
            if isinstance(operation, ToolCall):
                operation.result(getattr(output, "content", output))
            if operation is not None:
                operation.stop()

    def failed(self, run_id: Any, error: Any) -> None:
        """It ended with an error; a generator that nobody reads on is none."""
        with guarded("runs"):
            operation = self._taken(run_id)
            if operation is not None:
                if not isinstance(error, GeneratorExit):
                    operation.set_error(error if isinstance(error, BaseException) else text_of(error))
                operation.stop()

    def _taken(self, run_id: Any) -> Operation | None:
        found = self._open.pop(run_id, None)
        return None if found is None else found.operation

    def _keep(self, run_id: Any, run: _Run) -> None:
        self._open[run_id] = run
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)


def inside(context: Context, inner: Context | None) -> Context:
    """A context with the session of a run; where it has a session already, with the run's agent only."""
    if inner is None:
        return context
    here, there = current(context), current(inner)
    if here.session_id is None:
        return Context({**context, **{key: inner[key] for key in (SPAN_KEY, CORRELATION_KEY) if key in inner}})
    return _named(context, there.agent) if there.derived and there.agent != here.agent else context


def _begun(operation: Operation, context: Context) -> Context:
    """Begin, without becoming the current span of the caller's context; the context inside."""
    operation._attach(operation.begin(context))
    inner = {**context, SPAN_KEY: operation, CORRELATION_KEY: operation.correlation}
    operation._leave()
    return Context(inner)


def _named(context: Context, agent: str | None) -> Context:
    return Context({**context, CORRELATION_KEY: dataclasses.replace(current(context), agent=agent, derived=True)})
