"""Sessions and tasks: the operations that say whom everything inside them belongs to."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from syndarix_obs import vocabulary as v
from syndarix_obs.spans import correlation
from syndarix_obs.spans.correlation import CORRELATION_KEY, NOTHING, Correlation
from syndarix_obs.spans.operations import Operation, text_of
from syndarix_obs.spans.span import SPAN_KEY, LightSpan, SpanSource


class Scope(Operation):
    """An operation that changes the correlation of everything inside it."""

    __slots__ = ("_changes",)

    def __init__(self, source: SpanSource, name: str, changes: dict[str, Any]) -> None:
        Operation.__init__(self, source, name)
        self._changes = changes

    def _attach(self, context: Context) -> None:
        changes = {key: value for key, value in self._changes.items() if value is not None}
        self.correlation = dataclasses.replace(self.correlation, **changes)
        self._token = otel_context.attach(
            Context({**context, SPAN_KEY: self, CORRELATION_KEY: self.correlation})
        )

    def outcome(self, value: str) -> None:
        """Say what the work led to, in your words: `success`, `failure`, `escalated`, …"""
        self.attributes[v.OUTCOME] = value


class Session(Scope):
    """One run of an agent. It is visible as `running` from its start."""

    __slots__ = ()

    def __init__(
        self,
        source: SpanSource,
        agent: str,
        agent_type: str | None,
        project: str | None,
        user: str | None,
        session_id: str | None,
    ) -> None:
        given = {"agent": agent, "agent_type": agent_type, "project": project, "user": user, "session_id": session_id}
        changes: dict[str, Any] = {k: None if value is None else text_of(value) for k, value in given.items()}
        if user is not None:
            changes["user_is_pseudonym"] = False
        Scope.__init__(self, source, "invoke_agent " + text_of(agent), changes)
        self.attributes = {v.KIND: v.KIND_SESSION, v.GEN_AI_OPERATION_NAME: v.OPERATION_INVOKE_AGENT}

    @property
    def session_id(self) -> str | None:
        """Id of the session: the one given, the enclosing session's, or a new one; None before the start."""
        return self.correlation.session_id

    def _attach(self, context: Context) -> None:
        if self._changes["session_id"] is None and self.correlation.session_id is None:
            self._changes["session_id"] = uuid.uuid4().hex
        Scope._attach(self, context)
        self.source.started(self)


class Task(Scope):
    """One task inside a session: cost and duration are counted by its type."""

    __slots__ = ()

    def __init__(self, source: SpanSource, task_type: str) -> None:
        Scope.__init__(self, source, "task " + text_of(task_type), {"task_type": text_of(task_type)})
        self.attributes = {v.KIND: v.KIND_TASK, v.TASK_TYPE: self._changes["task_type"]}


def instant(source: SpanSource, name: str, attributes: dict[str, Any], payload: dict[str, Any]) -> LightSpan:
    """Record something that has no duration: a decision, a safety check, a note."""
    span = LightSpan(source, name)
    span.attributes = attributes
    if payload:
        span.payload = payload
    span.begin()
    span.end(span.start_ns)
    return span


def current_session_id() -> str | None:
    """Id of the session that the calling code runs in."""
    found: Correlation = correlation.current()
    return None if found is NOTHING else found.session_id
