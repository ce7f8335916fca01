"""OpenAI's responses API."""

from __future__ import annotations

from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.integrations.endpoints import Endpoint, as_dict, read_answer, without
from syndarix_obs.records.finished import FinishedSpan

_NOT_DONE: Final = frozenset({"queued", "in_progress"})
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
    for name, number in _tools_used(output).items():
        span.attributes[name] = number
    if body.get("status") == "failed":
        _failed(body.get("error"), span)
    if body.get("status") in _NOT_DONE and not body.get("usage") and body.get("background") and not output:
        # It is counted when it is fetched: now it has cost nothing.
        span.attributes.pop(v.GEN_AI_OPERATION_NAME, None)
        span.attributes[v.KIND] = v.KIND_SPAN


def _tools_used(output: list[Any]) -> dict[str, int]:
    """Tools of the provider's own that are billed by the use. A page that is opened is no search."""
    kinds = [item for item in output if isinstance(item, dict)]
    searches = sum(
        item.get("type") == "web_search_call" and (item.get("action") or {}).get("type", "search") == "search"
        for item in kinds
    )
    files = sum(item.get("type") == "file_search_call" for item in kinds)
    containers = {item.get("container_id") for item in kinds if item.get("type") == "code_interpreter_call"}
    found = {
        v.USAGE_WEB_SEARCHES: searches, v.USAGE_FILE_SEARCHES: files, v.USAGE_CODE_EXECUTIONS: len(containers),
    }  # fmt: skip
    return {name: number for name, number in found.items() if number}


def _read_retrieved(body: dict[str, Any], span: FinishedSpan) -> None:
    """A response that was made in the background. One that was not was counted when it was made."""
    if body.get("background") is not True or body.get("status") in _NOT_DONE or not body.get("usage"):
        span.counted = span.status == v.STATUS_ERROR and bool(body)
        return
    _read(body, span)
    span.polled = True
    span.name = f"{v.OPERATION_CHAT} {body.get('model')}"
    if isinstance(body.get("model"), str):
        span.attributes.setdefault(v.GEN_AI_REQUEST_MODEL, body["model"])


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

RETRIEVED = Endpoint(
    name="responses.retrieve",
    operation=v.OPERATION_CHAT,
    payload=(),
    read=_read_retrieved,
    is_content=_is_content,
    compact=_compact,
    whole=_whole,
    bodiless=True,
)
"""`GET /responses/{id}` and `POST /responses/{id}/cancel`: how a response made in the background is fetched."""
COMPACT = Endpoint(
    name="responses.compact",
    operation=v.OPERATION_CHAT,
    payload=(("input", "input"), ("system", "instructions")),
    read=_read,
    whole=_whole,
)
"""`POST /responses/compact`."""
