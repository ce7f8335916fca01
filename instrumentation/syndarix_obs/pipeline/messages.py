"""Reads messages in whatever shape the caller gave them.

OpenAI chat dicts, Anthropic content blocks, OpenAI responses items, the GenAI convention's `parts`, plain strings, and
pydantic objects of any of these. Nothing here raises for an odd shape: what is not understood reads as no text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from syndarix_obs.foreign import Abandoned, run

_TEXT_FIELDS = ("text", "content", "output", "refusal", "thinking", "response", "summary")
_CALLS = frozenset({"tool_use", "function_call", "tool_call", "custom_tool_call", "server_tool_use", "mcp_call"})
_OWN_CALLS = frozenset(
    {"web_search_call", "file_search_call", "code_interpreter_call", "computer_call", "image_generation_call"}
)
"""Tools that OpenAI runs itself: an item of the answer each, called by their type."""
_INSTRUCTION_ROLES = frozenset({"system", "developer"})
_RESULTS = frozenset({"function_call_output", "tool_result", "tool_call_response", "custom_tool_call_output"})
_MAX_DEPTH = 6
_MOST = 100_000


def field(message: Any, name: str) -> Any:
    """One field of a dict or an object; None when there is none or reading it fails."""
    if type(message) is dict:  # nearly always, and much quicker than to ask for a Mapping
        return message.get(name)
    try:
        return run(message.get, name) if isinstance(message, Mapping) else run(getattr, message, name, None)
    except Abandoned:
        raise
    except BaseException:  # noqa: BLE001 - a property of the caller's object may raise anything
        return None


def is_call(block: Any) -> bool:
    """Whether an item or block is a call of a tool, the provider's own tools included."""
    kind = field(block, "type")
    return isinstance(kind, str) and (kind in _CALLS or kind in _OWN_CALLS)


def as_list(messages: Any) -> list[Any]:
    """Messages as a list, whether one or many were given."""
    if messages is None:
        return []
    if type(messages) is list or type(messages) is tuple:
        return list(messages)
    return run(lambda: list(islice(messages, _MOST))) if isinstance(messages, (list, tuple)) else [messages]


def role(message: Any) -> str:
    """`system`, `user`, `assistant`, `tool`, …; for items without a role what they are, for plain text `user`."""
    if isinstance(message, str):
        return "user"
    value = field(message, "role")
    if isinstance(value, str):
        return value
    kind = field(message, "type")
    if kind in _RESULTS:
        return "tool"
    return "assistant" if kind in _CALLS or kind == "reasoning" else str(kind or "unknown")


def text_of(message: Any, depth: int = 0) -> str:
    """The readable text of a message, a block or a list of them; tool calls are not text."""
    if isinstance(message, str):
        return message
    if message is None or depth > _MAX_DEPTH or field(message, "type") in _CALLS:
        return ""
    if isinstance(message, (list, tuple)):
        return "\n".join(filter(None, (text_of(item, depth + 1) for item in message)))
    for name in ("parts", *_TEXT_FIELDS):
        value = field(message, name)
        if isinstance(value, (str, list, tuple)) and value:
            return text_of(value, depth + 1)
    inner = field(message, "message")
    return "" if inner is None else text_of(inner, depth + 1)


def calls_of(message: Any) -> Iterator[tuple[str, Any]]:
    """Name and arguments of the tool calls in a message or block."""
    if isinstance(message, str) or message is None:
        return
    if field(message, "type") in _CALLS:
        arguments = field(message, "arguments")
        yield str(field(message, "name")), field(message, "input") if arguments is None else arguments
    for call in as_list(field(message, "tool_calls")):
        function = field(call, "function")
        yield str(field(function or call, "name")), field(function or call, "arguments")
    for name in ("content", "parts"):
        blocks = field(message, name)
        for block in blocks if isinstance(blocks, (list, tuple)) else ():
            yield from calls_of(block)
    inner = field(message, "message")
    if inner is not None:
        yield from calls_of(inner)


def last_input(messages: Any) -> str:
    """Text of the last message of the user, else of the last message that has text."""
    items = as_list(messages)
    for message in reversed(items):
        if role(message) == "user" and (text := text_of(message)):
            return text
    return next(filter(None, (text_of(message) for message in reversed(items))), "")


def answer(messages: Any) -> str:
    """Text of the answer; for an answer that only calls tools, the calls."""
    items = as_list(messages)
    text = "\n".join(filter(None, (text_of(m) for m in items if field(m, "type") != "reasoning")))
    return text or ", ".join(f"{name}({_short(arguments)})" for m in items for name, arguments in calls_of(m))


def joined(conversation: Any) -> bool:
    """Whether the text of a conversation may be put together from parts."""
    items = as_list(conversation)
    return (len(items) > 1 and all(isinstance(item, str) for item in items)) or any(map(_has_parts, items))


def _has_parts(message: Any) -> bool:
    for name in ("parts", *_TEXT_FIELDS):
        value = field(message, name)
        if isinstance(value, (list, tuple)) and len(value) > 1:
            return True
    return False


def _short(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    if isinstance(arguments, Mapping):
        return ", ".join(f"{key}={value!r}" if isinstance(value, (str, int, float)) else f"{key}=…"
                         for key, value in arguments.items())  # fmt: skip
    return ""


def template(payload: Mapping[str, Any]) -> str:
    """The part of the system prompt that stays the same from call to call, as far as can be told: the blocks up to the
    last one that the provider is asked to cache, else all of it. What follows is usually about one user."""
    blocks = payload.get("system")
    cached = [
        place for place, block in enumerate(blocks if isinstance(blocks, (list, tuple)) else ())
        if isinstance(block, Mapping) and block.get("cache_control")
    ]  # fmt: skip
    return text_of(blocks[: cached[-1] + 1]) if cached and blocks else instructions(payload)


def instructions(payload: Mapping[str, Any]) -> str:
    """The system prompt: its own field, else the messages at the front that carry it."""
    own = payload.get("system")
    if own:
        return text_of(own)
    texts = []
    for message in as_list(payload.get("input")):
        if role(message) not in _INSTRUCTION_ROLES:
            break
        texts.append(text_of(message))
    return "\n".join(texts)
