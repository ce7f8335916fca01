"""Content that libraries put on span events moves into the payload; events never carry messages out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pipeline.decode import decoded
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import SpanEvent

_INPUT_ROLES: Final[Mapping[str, str]] = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_CHOICE: Final = "gen_ai.choice"
_DETAILS: Final = "gen_ai.client.inference.operation.details"
_WHOLE: Final[Mapping[str, tuple[str, str]]] = {
    "gen_ai.content.prompt": ("gen_ai.prompt", "input"),
    "gen_ai.content.completion": ("gen_ai.completion", "output"),
}
_BODY: Final = "gen_ai.event.content"
_CONTENT_EVENTS: Final = frozenset({*_INPUT_ROLES, *_WHOLE, _CHOICE, _DETAILS})


def move(span: FinishedSpan) -> None:
    """Take the content events off a span and put what they say into its payload, where that is not there yet."""
    if not any(event.name in _CONTENT_EVENTS for event in span.events):
        return
    found: dict[str, Any] = {}
    for event in span.events:
        if event.name in _CONTENT_EVENTS:
            _collect(event, found)
    for field, value in found.items():
        if value:
            span.payload.setdefault(field, value)
    span.events = [event for event in span.events if event.name not in _CONTENT_EVENTS]


def _collect(event: SpanEvent, found: dict[str, Any]) -> None:
    if event.name in _INPUT_ROLES:
        _append(found, "input", {"role": _INPUT_ROLES[event.name], **_body(event)})
    elif event.name == _CHOICE:
        _append(found, "output", _choice(_body(event)))
    elif event.name == _DETAILS:
        for name, field in v.PAYLOAD_ATTRIBUTES.items():
            if event.attributes.get(name) is not None:
                found.setdefault(field, decoded(event.attributes[name]))
    else:
        name, field = _WHOLE[event.name]
        found.setdefault(field, decoded(event.attributes.get(name)))


def _append(found: dict[str, Any], field: str, message: dict[str, Any]) -> None:
    messages = found.get(field)
    if isinstance(messages, list):
        messages.append(message)
    else:  # nothing yet, or a whole-prompt event that was no list
        found[field] = [message] if not messages else [messages, message]


def _body(event: SpanEvent) -> dict[str, Any]:
    """The message of an event: its attributes, or the JSON object that one attribute holds."""
    whole = decoded(event.attributes.get(_BODY))
    if isinstance(whole, dict):
        return whole
    body = {
        name: decoded(value)
        for name, value in event.attributes.items()
        if name != _BODY and not name.startswith("gen_ai.")
    }
    if whole is not None:
        body["content"] = whole
    return body


def _choice(body: dict[str, Any]) -> dict[str, Any]:
    message = body.pop("message", None)
    if isinstance(message, dict):
        body = {**message, **body}
    elif message is not None:
        body["content"] = message
    return {"role": "assistant", **body}
