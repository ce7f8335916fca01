"""OpenAI's responses API."""

from __future__ import annotations

from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.integrations.endpoints import Endpoint, as_dict, read_answer, without
from syndarix_obs.records.finished import FinishedSpan

_LAST_EVENTS: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
_TEXT_DELTAS: Final = frozenset({"response.output_text.delta", "response.refusal.delta"})


def _is_content(event: Any) -> bool:
    """A delta of text, reasoning, arguments, audio or code; `created`, `in_progress`, `added` only frame it."""
    kind = event.type
    return isinstance(kind, str) and kind.endswith(".delta")


def _compact(event: Any) -> Any:
    """The text of a delta; other deltas are told again whole when their item is done, so nothing of them is kept."""
    kind = event.type
    if kind in _TEXT_DELTAS:
        return event.delta or ""
    return "" if kind.endswith(".delta") else event


def _whole(events: list[Any]) -> dict[str, Any]:
    """The last event repeats everything; without it the answer is put together as far as it came."""
    for event in reversed(events):
        if type(event) is not str and event.type in _LAST_EVENTS:
            return as_dict(event.response)
    return _partial(events)


def _partial(events: list[Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    texts: list[str] = []
    items: list[Any] = []
    for event in events:
        if type(event) is str:
            texts.append(event)
        elif event.type in ("response.created", "response.in_progress"):
            body = as_dict(event.response)
        elif event.type in _TEXT_DELTAS:
            texts.append(event.delta or "")
        elif event.type == "response.output_item.done":
            items.append(as_dict(event.item))
        elif event.type == "error":
            body["status"], body["error"] = "failed", {"code": event.code, "message": event.message}
    text = "".join(texts)
    if text and not any(item.get("type") == "message" for item in items):
        items.append({"type": "message", "role": "assistant", "content": text})
    body["output"] = items
    return body


def _read(body: dict[str, Any], span: FinishedSpan) -> None:
    output = body.get("output") or []
    for item in output:
        for part in item.get("content") or () if isinstance(item.get("content"), list) else ():
            part.pop("parsed", None)
    reason = _finish_reason(body, output)
    read_answer(
        span,
        body,
        output=output,
        finish_reasons=[reason] if reason else [],
        service_tier=body.get("service_tier"),
        rest=without(body, "output", "usage", *_echoed(body, span)),
    )
    if body.get("status") == "failed":
        _failed(body.get("error"), span)


def _echoed(body: dict[str, Any], span: FinishedSpan) -> tuple[str, ...]:
    """The instructions come back with the answer; they are kept once."""
    return ("instructions",) if body.get("instructions") == span.payload.get("system") else ()


def _finish_reason(body: dict[str, Any], output: list[Any]) -> str | None:
    """In the words of the other endpoints, which dashboards know; this one has a status instead."""
    status = body.get("status")
    if status == "incomplete":
        details = body.get("incomplete_details") or {}
        return str(details.get("reason") or status)
    if status != "completed":
        return None
    return "tool_calls" if any(item.get("type") == "function_call" for item in output) else "stop"


def _failed(error: Any, span: FinishedSpan) -> None:
    """An answer that says that it failed: the client raises nothing, but the call is an error all the same."""
    details = error if isinstance(error, dict) else {}
    span.status = v.STATUS_ERROR
    span.attributes.setdefault(v.ERROR_TYPE, str(details.get("code") or "failed"))
    if span.status_message is None:
        span.status_message = str(details.get("message") or "the provider reported a failed response")


RESPONSES = Endpoint(
    operation=v.OPERATION_CHAT,
    name="responses",
    payload=(("input", "input"), ("system", "instructions"), ("tools", "tools")),
    read=_read,
    is_content=_is_content,
    compact=_compact,
    whole=_whole,
)
"""`POST /responses`."""
