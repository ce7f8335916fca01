"""Messages as people read them, whichever shape the caller gave: OpenAI, Anthropic, GenAI conventions, plain text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from syndarix_obs_read.amounts import Frozen

CUT: Final = "…"
"""What stands at the end of a text that was cut."""


class Message(Frozen):
    """One message: who speaks, and what, tool calls and results included."""

    role: str
    text: str


def unified(messages: Any) -> tuple[Message, ...]:
    """Messages of any shape."""
    if messages is None:
        return ()
    if isinstance(messages, (str, Mapping)):
        messages = [messages]
    if not isinstance(messages, Iterable):
        return (Message(role="", text=str(messages)),)
    return tuple(_message(each) for each in messages)


def last_text(messages: Any) -> str:
    """The last message that says something."""
    for message in reversed(unified(messages)):
        if message.text:
            return message.text
    return ""


def brief(value: Any, width: int = 120) -> str:
    """Any value on one line of at most `width` characters; what is cut says so."""
    text = value if isinstance(value, str) else compact(value)
    text = " ".join(text.split())
    return text if len(text) <= width else text[: max(1, width - 1)].rstrip() + CUT


def compact(value: Any) -> str:
    """A value as JSON without spaces that nobody needs."""
    return json.dumps(value, ensure_ascii=False, default=str, separators=(", ", ": "))


def _message(message: Any) -> Message:
    if not isinstance(message, Mapping):
        return Message(role="", text=message if isinstance(message, str) else compact(message))
    role = str(message.get("role") or message.get("type") or "")
    content = message.get("content", message.get("parts", message.get("text")))
    said = [*_parts(content), *(_call(call) for call in _list(message.get("tool_calls")))]
    return Message(role=role, text="\n".join(part for part in said if part))


def _parts(content: Any) -> list[str]:
    if content is None:
        return []
    if isinstance(content, str):
        return [content]
    return [_part(part) for part in _list(content)]


def _part(part: Any) -> str:
    if not isinstance(part, Mapping):
        return part if isinstance(part, str) else compact(part)
    kind = part.get("type")
    if kind in {"tool_use", "tool_call", "function_call"}:
        return _call(part)
    if kind in {"tool_result", "tool_call_response", "function_call_output"}:
        result = next((part[key] for key in ("result", "response", "content", "output") if key in part), None)
        return "→ " + (result if isinstance(result, str) else " ".join(_parts(result) or [compact(result)]))
    for key in ("text", "content", "thinking", "refusal"):
        if isinstance(part.get(key), str):
            return str(part[key])
    return f"[{kind}]" if kind else compact(part)


def _call(call: Any) -> str:
    if not isinstance(call, Mapping):
        return compact(call)
    function = call.get("function")
    inner: Mapping[str, Any] = function if isinstance(function, Mapping) else call
    arguments = next((inner[key] for key in ("arguments", "input") if key in inner), "")
    return f"{inner.get('name', '?')}({arguments if isinstance(arguments, str) else compact(arguments)})"


def _list(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [value]
    return list(value) if isinstance(value, (list, tuple)) else ([] if value is None else [value])
