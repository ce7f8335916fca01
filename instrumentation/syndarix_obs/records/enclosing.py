"""Agents that a framework's spans name: whoever runs inside of one works for it, not for the session around all.

The spans around a span are looked at when it has ended, because frameworks name an agent after its span has begun.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.records.frameworks import is_run, kind_in
from syndarix_obs.spans.correlation import Correlation
from syndarix_obs.spans.span import LightSpan

_AGENT_NAMES: Final = (v.GEN_AI_AGENT_NAME, "agent.name", "graph.node.name", "traceloop.entity.name")
_SESSIONS: Final = (v.SESSION_ID, v.GEN_AI_CONVERSATION_ID)
_DEEPEST: Final = 64


def is_agent(attributes: Mapping[str, Any]) -> bool:
    """Whether a span, ours or a library's, stands for the run of an agent."""
    if attributes.get(v.GEN_AI_OPERATION_NAME) == v.OPERATION_INVOKE_AGENT:
        return True
    return kind_in(attributes) == "agent"


def agent_name(attributes: Mapping[str, Any]) -> str | None:
    """The name that an agent's span gives, None for one without."""
    return next((str(attributes[name]) for name in _AGENT_NAMES if attributes.get(name)), None)


def session_of(attributes: Mapping[str, Any]) -> str | None:
    """The session or conversation that a span names."""
    return next((str(attributes[name]) for name in _SESSIONS if attributes.get(name)), None)


def inside(correlation: Correlation, attributes: Mapping[str, Any], trace_id: str, *, outermost: bool) -> Correlation:
    """The correlation of what runs inside of an agent's span.

    Args:
        correlation: the one around it.
        attributes: of the agent's span.
        trace_id: in hex; names the session where nothing else does.
        outermost: no other agent and no session of ours is around it, so it opens a session.
    """
    changes: dict[str, Any] = {}
    name = agent_name(attributes)
    if name is not None:
        changes = {"agent": name, "derived": True}
    if outermost and correlation.session_id is None:
        changes["session_id"] = session_of(attributes) or trace_id
    return dataclasses.replace(correlation, **changes) if changes else correlation


def of_light(span: LightSpan) -> tuple[Correlation, bool]:
    """The correlation of a light span with frameworks' agents around it, and whether it opens a session itself."""
    correlation, own = span.correlation, span.attributes
    around, outermost, own_session = _enclosing(span)
    trace_id = f"{span.trace_id:032x}" if outermost is not None else ""
    if outermost is not None and not own_session and correlation.session_id is None and _is_root_run(outermost):
        session_id = session_of(outermost.attributes) or trace_id
        correlation = dataclasses.replace(correlation, session_id=session_id)
    for number, agent in enumerate(reversed(around)):
        correlation = inside(correlation, agent.attributes, trace_id, outermost=number == 0 and not own_session)
    may_open = not around and not own_session and correlation.session_id is None and v.KIND not in own
    return correlation, may_open and (is_agent(own) or (outermost is None and _is_root_run(span)))


def _enclosing(span: LightSpan) -> tuple[list[LightSpan], LightSpan | None, bool]:
    """Agents around a span from the nearest on, the outermost span, and whether a session of ours is around it."""
    around: list[LightSpan] = []
    outermost, node = None, span.enclosing
    for _ in range(_DEEPEST):
        if node is None:
            break
        outermost = node
        if node.attributes.get(v.KIND) == v.KIND_SESSION:
            return around, outermost, True
        if is_agent(node.attributes):
            around.append(node)
        node = node.enclosing
    return around, outermost, False


def _is_root_run(span: LightSpan) -> bool:
    return not span.parent_id and is_run(span.scope[0], span.attributes, ended=bool(span.end_ns))
