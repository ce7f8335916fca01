"""Spans of Claude Code, as its tracing tells them: tools get the names of the conventions, sessions ours if known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.spans.correlation import NOTHING, Correlation

SCOPE: Final = "com.anthropic.claude_code"
AGENT: Final = "claude-code"
_TOOL: Final = "claude_code.tool"
_OWN_IDS: Final = (v.SESSION_ID, v.GEN_AI_CONVERSATION_ID, v.USER_ID)


def translate(span: FinishedSpan, around: Correlation) -> None:
    """Translate one span in place; those of other programs are left as they are.

    Args:
        around: the session of ours that the program was started in; `NOTHING` where there is none.
    """
    if not span.scope[0].startswith(SCOPE):
        return
    attributes = span.attributes
    if span.name == _TOOL and attributes.get("tool_name"):
        name = str(attributes["tool_name"])
        span.name = f"execute_tool {name}"
        attributes[v.GEN_AI_OPERATION_NAME] = v.OPERATION_EXECUTE_TOOL
        attributes[v.GEN_AI_TOOL_NAME] = name
    if around is not NOTHING:
        span.correlation = around
        for name in _OWN_IDS:
            attributes.pop(name, None)
        return
    attributes.setdefault(v.AGENT_TYPE, "coding")
    if attributes.get(v.GEN_AI_OPERATION_NAME) == v.OPERATION_INVOKE_AGENT:
        attributes.setdefault(v.GEN_AI_AGENT_NAME, AGENT)
    elif attributes.get(v.GEN_AI_OPERATION_NAME) in v.LLM_OPERATIONS:
        attributes.setdefault(v.GEN_AI_AGENT_NAME, AGENT)
        attributes.setdefault(v.GEN_AI_RESPONSE_ID, identity(attributes))


def identity(attributes: Mapping[str, Any]) -> str:
    """What an event and a span of one call have in common: the request's id, else its session and numbers."""
    told = attributes.get("request_id")
    if told:
        return str(told)
    names = (v.SESSION_ID, "model", "input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
    return ":".join(str(attributes.get(name, "")) for name in names)
