"""OTLP log records of coding agents as steps of a session: model calls, tools, permission decisions, prompts.

Claude Code, Codex and Gemini CLI report tokens as log events, not (or not only) as spans. Each event becomes one
finished span with ids made from the event itself, so that a batch that is sent twice is stored once. Lines of anybody
else are log lines. Names of events and attributes: the tools' own documentation, autumn 2026.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing.reports import EVENTS
from syndarix_obs.receivers.claude_code import identity
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.resource import Resource

Attributes = Mapping[str, Any]

SCOPE: Final = EVENTS
_MILLION: Final = 1_000_000
_SESSION_NAMES: Final = ("session.id", "conversation.id", "gen_ai.conversation.id", "session_id")
_USER_NAMES: Final = ("user.id", "user.email", "user.account_uuid", "user.account_id")
_PREFIXES: Final = ("claude_code.", "codex.", "gemini_cli.")
_BARE_NAMES: Final = {
    "user_prompt", "assistant_response", "tool_result", "api_request", "api_error", "api_refusal", "tool_decision",
}  # fmt: skip


def event_name(name: str, attributes: Attributes, body: Any) -> str:
    """The event's full name, wherever the sender put it; empty for a plain log line."""
    for found in (name, attributes.get("event.name"), body):
        if isinstance(found, str) and found.startswith(_PREFIXES):
            return found
        if isinstance(found, str) and found in _BARE_NAMES and "session.id" in attributes:
            return f"claude_code.{found}"
    return ""


def session_of(attributes: Attributes) -> str | None:
    """The session that an event belongs to."""
    return next((str(attributes[name]) for name in _SESSION_NAMES if attributes.get(name)), None)


def trace_of(agent: str, session: str) -> tuple[str, str]:
    """Trace id and root span id of a session of a coding agent."""
    digest = hashlib.sha256(f"{agent}\0{session}".encode("utf-8", "replace")).hexdigest()
    return digest[:32], digest[32:48]


def step_of(event: str, at_ns: int, attributes: Attributes, resource: Resource) -> FinishedSpan | None:
    """The step that an event means; None for an event that is only a line.

    Args:
        event: full name, such as `claude_code.api_request`.
        at_ns: when it was reported, which is when the step ended, in nanoseconds since the epoch.
        attributes: of the event.
        resource: who sent it.
    """
    make = _MAKERS.get(event)
    session = session_of(attributes)
    if make is None or session is None:
        return None
    made = make(attributes)
    if made is None:
        return None
    name, found, payload, error = made
    agent = agent_of(event)
    trace_id, root = trace_of(agent, session)
    identity = "\0".join(str(attributes.get(key, "")) for key in _IDENTITY)
    span_id = hashlib.sha256(f"{event}\0{session}\0{at_ns}\0{identity}".encode("utf-8", "replace")).hexdigest()[:16]
    common = {v.SESSION_ID: session, v.GEN_AI_AGENT_NAME: agent, v.AGENT_TYPE: "coding", **_person(attributes)}
    return FinishedSpan(
        name=name, trace_id=trace_id, span_id=span_id, parent_id=root,
        start_ns=at_ns - int(number(attributes.get("duration_ms")) * _MILLION), end_ns=at_ns,
        status=v.STATUS_OK if error is None else v.STATUS_ERROR, status_message=error or None,
        attributes={**common, **{key: value for key, value in found.items() if value is not None}},
        payload={key: value for key, value in payload.items() if value is not None},
        scope=(SCOPE, None), resource=resource,
    )  # fmt: skip


def agent_of(event: str) -> str:
    """The coding agent that an event's name begins with, as its name is written on a command line."""
    return event.partition(".")[0].replace("_", "-").removesuffix("-cli")


def number(value: Any) -> float:
    """A number, also out of a text; 0 when it is none."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return 0.0
    return found if 0 <= found < 1e15 else 0.0


def _person(attributes: Attributes) -> dict[str, str]:
    user = next((str(attributes[name]) for name in _USER_NAMES if attributes.get(name)), None)
    return {} if user is None else {v.USER_ID: user}


def _true(value: Any) -> bool:
    return str(value).lower() in ("true", "1", "ok", "success")


Made = tuple[str, dict[str, Any], dict[str, Any], str | None]
"""Name, attributes, payload, and the error's text (empty when unknown, None when it went well)."""

_IDENTITY: Final = (
    "event.sequence", "request_id", "prompt.id", "prompt_id", "call_id", "tool_use_id", "tool_name", "function_name",
    "model", "input_tokens", "output_tokens", "input_token_count", "output_token_count",
)  # fmt: skip
"""Attributes that tell two events of one kind, session and time apart."""


def _call(a: Attributes, provider: str, counts: dict[str, int], **more: Any) -> dict[str, Any]:
    return {
        v.GEN_AI_OPERATION_NAME: v.OPERATION_CHAT, v.GEN_AI_PROVIDER_NAME: provider,
        v.GEN_AI_REQUEST_MODEL: a.get("model"), v.GEN_AI_RESPONSE_ID: a.get("request_id"),
        **{key: value for key, value in counts.items() if value}, **more,
    }  # fmt: skip


def _claude_request(a: Attributes) -> Made:
    plain, read, written = (
        int(number(a.get(name))) for name in ("input_tokens", "cache_read_tokens", "cache_creation_tokens")
    )
    counts = {
        v.GEN_AI_USAGE_INPUT_TOKENS: plain + read + written,
        v.GEN_AI_USAGE_OUTPUT_TOKENS: int(number(a.get("output_tokens"))),
        v.GEN_AI_USAGE_CACHE_READ_TOKENS: read, v.GEN_AI_USAGE_CACHE_WRITE_TOKENS: written,
    }  # fmt: skip
    found = _call(a, "anthropic", counts) | {v.GEN_AI_RESPONSE_ID: identity(a)}
    return f"chat {a.get('model')}", found, {}, None


def _codex_answer(a: Attributes) -> Made | None:
    if a.get("event.kind") not in (None, "response.completed") or a.get("input_token_count") is None:
        return None  # the other server-sent events carry no usage
    counts = {
        v.GEN_AI_USAGE_INPUT_TOKENS: int(number(a.get("input_token_count"))),
        v.GEN_AI_USAGE_OUTPUT_TOKENS: int(number(a.get("output_token_count"))),
        v.GEN_AI_USAGE_CACHE_READ_TOKENS: int(number(a.get("cached_token_count"))),
        v.GEN_AI_USAGE_REASONING_TOKENS: int(number(a.get("reasoning_token_count"))),
    }
    return f"chat {a.get('model')}", _call(a, "openai", counts), {}, None


def _gemini_answer(a: Attributes) -> Made:
    thoughts = int(number(a.get("thoughts_token_count")))
    counts = {
        v.GEN_AI_USAGE_INPUT_TOKENS: int(number(a.get("input_token_count")) + number(a.get("tool_token_count"))),
        v.GEN_AI_USAGE_OUTPUT_TOKENS: int(number(a.get("output_token_count"))) + thoughts,
        v.GEN_AI_USAGE_CACHE_READ_TOKENS: int(number(a.get("cached_content_token_count"))),
        v.GEN_AI_USAGE_REASONING_TOKENS: thoughts,
    }
    return f"chat {a.get('model')}", _call(a, "gcp.gemini", counts), {}, None


def _failed_call(provider: str) -> Callable[[Attributes], Made]:
    def make(a: Attributes) -> Made:
        text = str(a.get("error") or a.get("error.message") or a.get("error_message") or "")
        kind = a.get("status_code") or a.get("error_type") or "error"
        return f"chat {a.get('model')}", _call(a, provider, {}, **{v.ERROR_TYPE: str(kind)}), {}, text

    return make


def _tool(name_of: str, arguments: str, result: str) -> Callable[[Attributes], Made]:
    def make(a: Attributes) -> Made:
        name = str(a.get(name_of) or "unknown")
        failed = not _true(a.get("success", True))
        found: dict[str, Any] = {
            v.GEN_AI_OPERATION_NAME: v.OPERATION_EXECUTE_TOOL, v.GEN_AI_TOOL_NAME: name,
            v.GEN_AI_TOOL_CALL_ID: a.get("call_id") or a.get("tool_use_id"),
            v.ERROR_TYPE: str(a.get("error_type") or "tool_error") if failed else None,
        }  # fmt: skip
        payload = {"arguments": a.get(arguments), "result": a.get(result)}
        return f"execute_tool {name}", found, payload, str(a.get("error") or "") if failed else None

    return make


def _permission(a: Attributes) -> Made:
    tool = str(a.get("tool_name") or a.get("function_name") or "unknown")
    found = {
        v.KIND: v.KIND_DECISION, v.DECISION_TYPE: v.DECISION_PERMISSION, v.DECISION_OPTIONS: ["accept", "reject"],
        v.DECISION_SELECTED: str(a.get("decision") or "unknown"), v.GEN_AI_TOOL_NAME: tool,
        v.GEN_AI_TOOL_CALL_ID: a.get("call_id") or a.get("tool_use_id"),
    }  # fmt: skip
    return f"decision permission {tool}", found, {"reasoning": f"{tool}: decided by {a.get('source', 'unknown')}"}, None


def _prompt(a: Attributes) -> Made:
    text = a.get("prompt")
    return "user_prompt", {"prompt.length": a.get("prompt_length")}, {} if text is None else {"input": str(text)}, None


_MAKERS: Final[Mapping[str, Callable[[Attributes], Made | None]]] = {
    "claude_code.api_request": _claude_request,
    "claude_code.api_error": _failed_call("anthropic"),
    "claude_code.tool_result": _tool("tool_name", "tool_parameters", "tool_result"),
    "claude_code.tool_decision": _permission,
    "claude_code.user_prompt": _prompt,
    "codex.sse_event": _codex_answer,
    "codex.tool_result": _tool("tool_name", "arguments", "output"),
    "codex.tool_decision": _permission,
    "codex.user_prompt": _prompt,
    "gemini_cli.api_response": _gemini_answer,
    "gemini_cli.api_error": _failed_call("gcp.gemini"),
    "gemini_cli.tool_call": _tool("function_name", "function_args", "result"),
    "gemini_cli.user_prompt": _prompt,
}
