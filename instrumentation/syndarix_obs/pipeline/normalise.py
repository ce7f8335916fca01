"""One spelling for every library's span: GenAI names, content in the payload, the correlation on top.

What a span says explicitly wins over what its context says; what our own API put into `payload` wins over
attributes, attributes over events.
"""

from __future__ import annotations

from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pipeline import content_events, foreign
from syndarix_obs.pipeline.decode import decoded
from syndarix_obs.records.enclosing import agent_name
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.frameworks import is_run
from syndarix_obs.spans.correlation import NOTHING, Correlation

OWN_SCOPE: Final = "syndarix_obs"
"""Instrumentation scope of our own API, which needs no translation."""

_PAYLOAD_NAMES: Final = frozenset(v.PAYLOAD_ATTRIBUTES)
_CORRELATED: Final = (
    (v.SESSION_ID, "session_id"),
    (v.GEN_AI_CONVERSATION_ID, "session_id"),
    (v.GEN_AI_AGENT_NAME, "agent"),
    (v.AGENT_TYPE, "agent_type"),
    (v.AGENT_VERSION, "agent_version"),
    (v.PROJECT, "project"),
    (v.USER_ID, "user"),
    (v.TASK_TYPE, "task_type"),
)


class NormaliseStep:
    """The first step of the pipeline; the others know GenAI names only."""

    def __call__(self, span: FinishedSpan) -> None:
        """Normalise one span in place."""
        if span.scope[0] != OWN_SCOPE:
            foreign.translate(span)
        attributes = span.attributes
        if not _PAYLOAD_NAMES.isdisjoint(attributes):
            _move_payload(attributes, span.payload)
        if span.events:
            content_events.move(span)
        if span.own_agent is None:
            span.own_agent = _explicit_agent(span)
        if span.correlation is not NOTHING:
            _correlate(attributes, span.correlation)
        if span.parent_id is None:
            _open_session(span)


def _open_session(span: FinishedSpan) -> None:
    """The root of a trace that nobody opened a session for: an agent, or the run of a framework."""
    attributes = span.attributes
    if attributes.get(v.GEN_AI_OPERATION_NAME) != v.OPERATION_INVOKE_AGENT:
        if v.KIND in attributes or not is_run(span.scope[0], attributes, ended=True):
            return
        attributes[v.KIND] = v.KIND_SESSION
        attributes.setdefault(v.GEN_AI_AGENT_NAME, agent_name(attributes) or span.name)
    attributes.setdefault(v.SESSION_ID, attributes.get(v.GEN_AI_CONVERSATION_ID) or span.trace_id)


def _explicit_agent(span: FinishedSpan) -> str | None:
    """The agent that the span itself or a framework's span around it names."""
    name = span.attributes.get(v.GEN_AI_AGENT_NAME)
    if isinstance(name, str):
        return name
    return span.correlation.agent if span.correlation.derived else None


def _move_payload(attributes: dict[str, Any], payload: dict[str, Any]) -> None:
    for name in _PAYLOAD_NAMES.intersection(attributes):
        value = attributes.pop(name)
        if value is not None:
            payload.setdefault(v.PAYLOAD_ATTRIBUTES[name], decoded(value))


def _correlate(attributes: dict[str, Any], correlation: Correlation) -> None:
    for name, field in _CORRELATED:
        value = getattr(correlation, field)
        if value is not None and attributes.get(name) is None:
            attributes[name] = value
