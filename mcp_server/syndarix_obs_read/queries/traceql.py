"""TraceQL over our spans: attributes from the vocabulary, values quoted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.queries.quoting import any_of, quoted

NEWEST_FIRST: Final = "with (most_recent=true)"
"""Hint without which Tempo stops at any traces that fit, not at the newest."""

_OPERATIONS: Final = (
    *sorted(v.LLM_OPERATIONS), v.OPERATION_EXECUTE_TOOL, v.OPERATION_INVOKE_AGENT, v.OPERATION_RETRIEVAL,
)  # fmt: skip
_OURS: Final = f"{any_of(_OPERATIONS)}|.*{v.MEMORY_OPERATION_SUFFIX}"
_OPERATION: Final = f"span.{v.GEN_AI_OPERATION_NAME}"

PLAIN: Final = (
    f"(span.{v.KIND} = nil || span.{v.KIND} = {quoted(v.KIND_SPAN)})"
    f" && ({_OPERATION} = nil || {_OPERATION} !~ {quoted(_OURS)}"
    f" || ({_OPERATION} = {quoted(v.OPERATION_INVOKE_AGENT)} && span.{v.SESSION_ID} = nil))"
)
"""Spans that have no line in Loki: the same rule as `conversion.kind_of`."""

_ATTRIBUTES: Final[Mapping[str, str]] = {
    "agent": f"span.{v.GEN_AI_AGENT_NAME}",
    "project": f"span.{v.PROJECT}",
    "user": f"span.{v.USER_ID}",
    "session_id": f"span.{v.SESSION_ID}",
    "task_type": f"span.{v.TASK_TYPE}",
    "model": f"span.{v.GEN_AI_RESPONSE_MODEL}",
    "tool": f"span.{v.GEN_AI_TOOL_NAME}",
    "decision_type": f"span.{v.DECISION_TYPE}",
    "service": f"resource.{v.SERVICE_NAME}",
    "environment": f"resource.{v.DEPLOYMENT_ENVIRONMENT}",
}
"""Filters that a span has as an attribute."""


def conditions(where: Filter) -> str:
    """Spans that have every attribute that the filter names, for people to start a TraceQL query from."""
    found = [
        f"{attribute} = {quoted(value)}" for name, attribute in _ATTRIBUTES.items() if (value := getattr(where, name))
    ]
    if where.status == v.STATUS_ERROR:
        found.append("status = error")
    if where.min_duration_ns is not None:
        found.append(f"duration >= {where.min_duration_ns}ns")
    return " && ".join(found)


def plain_spans() -> str:
    """Plain spans of any trace."""
    return f"{{ {PLAIN} }} {NEWEST_FIRST}"


def plain_roots(where: Filter) -> str:
    """Plain spans that begin a trace, which then may have no line in Loki at all; as long as the filter wants."""
    least = f" && traceDuration >= {where.min_duration_ns}ns" if where.min_duration_ns is not None else ""
    return f"{{ nestedSetParent < 0 && {PLAIN}{least} }} {NEWEST_FIRST}"
