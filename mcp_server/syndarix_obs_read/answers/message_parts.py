"""What one message is made of: text, calls of tools, their results, and pictures or files by reference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from syndarix_obs_read.amounts import Frozen

PartKind = Literal["text", "thinking", "call", "result", "media"]

_CALLS: Final = frozenset({"tool_use", "tool_call", "function_call"})
_RESULTS: Final = frozenset({"tool_result", "tool_call_response", "function_call_output"})
_MEDIA: Final = frozenset({
    "image", "image_url", "input_image", "audio", "input_audio", "file", "document", "video", "blob", "uri",
})  # fmt: skip
_ROLES_OF_TOOLS: Final = frozenset({"tool", "function"})


class Part(Frozen):
    """One part of a message.

    `name` is the tool of a call or the kind of a picture or file; `value` is the text, the arguments, the result or
    the address. `size` is the length in characters of what stands in the message itself and is not shown.
    """

    kind: PartKind
    name: str = ""
    value: Any = None
    size: int = 0


class ReadMessage(Frozen):
    """One message: who speaks, and its parts in order."""

    role: str
    parts: tuple[Part, ...]


def read_messages(messages: Any) -> tuple[ReadMessage, ...]:
    """Messages of any shape: OpenAI, Anthropic, GenAI conventions, plain text."""
    if messages is None:
        return ()
    if isinstance(messages, (str, Mapping)):
        messages = [messages]
    if not isinstance(messages, Sequence):
        return (ReadMessage(role="", parts=(Part(kind="text", value=str(messages)),)),)
    return tuple(read_message(each) for each in messages)


def read_message(message: Any) -> ReadMessage:
    """One message of any shape."""
    if not isinstance(message, Mapping):
        return ReadMessage(role="", parts=tuple(_parts(message)))
    role = str(message.get("role") or message.get("type") or "")
    content = message.get("content", message.get("parts", message.get("text")))
    if content is None and "output" in message:
        content = message["output"]
    parts = list(_parts(content))
    if role in _ROLES_OF_TOOLS:
        parts = [Part(kind="result", value=parsed(each.value)) if each.kind == "text" else each for each in parts]
    return ReadMessage(role=role, parts=(*parts, *(_call(each) for each in _list(message.get("tool_calls")))))


def parsed(value: Any) -> Any:
    """A text that is a JSON object or list, as what it says; anything else as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, (dict, list)) else value


def _parts(content: Any) -> Iterator[Part]:
    for each in _list(content):
        if isinstance(each, str):
            if each:
                yield Part(kind="text", value=each)
        elif isinstance(each, Mapping):
            yield from _of_mapping(each)
        else:
            yield Part(kind="text", value=str(each))


def _of_mapping(part: Mapping[str, Any]) -> Iterator[Part]:
    kind = str(part.get("type") or "")
    if kind in _CALLS:
        yield _call(part)
    elif kind in _RESULTS:
        result = next((part[key] for key in ("result", "response", "content", "output") if key in part), None)
        yield Part(kind="result", name=str(part.get("name") or ""), value=_plain(result))
    elif kind in _MEDIA:
        yield _media(kind, part)
    elif kind in ("thinking", "reasoning"):
        yield Part(kind="thinking", value=str(part.get("thinking") or part.get("content") or part.get("text") or ""))
    else:
        text = next((part[key] for key in ("text", "content", "refusal") if isinstance(part.get(key), str)), None)
        yield Part(kind="text", value=text) if text is not None else Part(kind="result", name=kind, value=dict(part))


def _plain(result: Any) -> Any:
    """The result of a tool without the wrapping of text parts around it."""
    if isinstance(result, list) and result and all(map(_is_text, result)):
        result = "\n".join(each["text"] for each in result)
    return parsed(result)


def _is_text(part: Any) -> bool:
    return isinstance(part, Mapping) and isinstance(part.get("text"), str)


def _media(kind: str, part: Mapping[str, Any]) -> Part:
    """A picture or file by reference: its address, or how much of it stands in the message."""
    inner = next((part[key] for key in ("image_url", "source", "file", "input_audio") if key in part), part)
    fields: Mapping[str, Any] = inner if isinstance(inner, Mapping) else {"url": inner}
    address = str(fields.get("url") or fields.get("uri") or fields.get("file_id") or fields.get("filename") or "")
    media = str(fields.get("media_type") or fields.get("mime_type") or fields.get("format") or kind)
    if address.startswith("data:"):
        media = address[5:].partition(";")[0] or media
        return Part(kind="media", name=media, size=len(address))
    data = next((value for key in ("data", "content", "file_data") if isinstance(value := fields.get(key), str)), "")
    return Part(kind="media", name=media, value=address or None, size=len(data))


def _call(call: Any) -> Part:
    if not isinstance(call, Mapping):
        return Part(kind="call", name="?", value=call)
    function = call.get("function")
    inner: Mapping[str, Any] = function if isinstance(function, Mapping) else call
    arguments = next((inner[key] for key in ("arguments", "input") if key in inner), None)
    return Part(kind="call", name=str(inner.get("name") or "?"), value=parsed(arguments))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
