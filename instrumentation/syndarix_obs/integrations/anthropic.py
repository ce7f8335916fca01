"""The `anthropic` client: messages and beta messages; sync, async, streamed, raw; also through Bedrock and Vertex."""

from __future__ import annotations

import json
import re
from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs.integrations.batches import BATCH_RESULTS
from syndarix_obs.integrations.calls import OnHeaders
from syndarix_obs.integrations.endpoints import Endpoint, Endpoints, as_dict, read_answer, without
from syndarix_obs.integrations.provider_names import ProviderNames
from syndarix_obs.integrations.requests import Undo, Watcher
from syndarix_obs.pricing.token_step import PARTIAL
from syndarix_obs.pricing.usage import service_tier_of
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.spans.span import SpanSource

_DELTA_TEXTS = ("text", "thinking", "partial_json")
_TEXT_OF_DELTA = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


def _is_content(event: Any) -> bool:
    """A delta that is not empty, or the start of a tool call, which already says the tool."""
    kind = event.type
    if kind == "content_block_delta":
        delta = event.delta
        return any(getattr(delta, name, None) for name in _DELTA_TEXTS)
    return kind == "content_block_start" and "tool_use" in str(event.content_block.type)


def _compact(event: Any) -> Any:
    """The text of a delta; which field it belongs to is told by the kind of the block that was started last."""
    if event.type != "content_block_delta":
        return event
    field = _TEXT_OF_DELTA.get(event.delta.type)
    return event if field is None else getattr(event.delta, field) or ""


def _whole(events: list[Any]) -> dict[str, Any]:
    """The message that the events make, as far as they came."""
    body: dict[str, Any] = {}
    usage: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    inputs: dict[int, list[str]] = {}
    current = 0
    final = False
    for event in events:
        if type(event) is str:
            _add_text(blocks.setdefault(current, {}), inputs.setdefault(current, []), event)
            continue
        kind = event.type
        if kind == "content_block_delta":
            _add_delta(blocks.setdefault(event.index, {}), inputs.setdefault(event.index, []), event.delta)
        elif kind == "content_block_start":
            current = event.index
            blocks[current] = as_dict(event.content_block)
        elif kind == "message_start":
            body = as_dict(event.message)
            usage = dict(body.get("usage") or {})
        elif kind == "message_delta":
            body["stop_reason"] = event.delta.stop_reason
            usage.update(_counted(event.usage))
            final = True
    for index, parts in inputs.items():
        if any(parts):
            blocks[index]["input"] = _parsed("".join(parts))
    body["content"] = [_joined(blocks[index]) for index in sorted(blocks)]
    body["usage"] = usage
    body[PARTIAL] = bool(usage) and not final  # the counts of `message_start` are those before the answer
    return body


def _counted(usage: Any) -> dict[str, Any]:
    """Counts of a `message_delta` are totals so far: they replace those of the start where they are given."""
    return {name: value for name, value in as_dict(usage).items() if value is not None}


def _add_text(block: dict[str, Any], inputs: list[str], text: str) -> None:
    field = block.get("type", "text")
    if field in ("text", "thinking"):
        block.setdefault("parts", {}).setdefault(field, []).append(text)
    else:
        inputs.append(text)


def _add_delta(block: dict[str, Any], inputs: list[str], delta: Any) -> None:
    if getattr(delta, "partial_json", None):
        inputs.append(delta.partial_json)
        return
    for name in ("text", "thinking", "signature"):
        text = getattr(delta, name, None)
        if text:
            block.setdefault("parts", {}).setdefault(name, []).append(text)


def _joined(block: dict[str, Any]) -> dict[str, Any]:
    for name, texts in block.pop("parts", {}).items():
        block[name] = block.get(name, "") + "".join(texts)
    return block


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # a stream that was cut
        return text


def _read(body: dict[str, Any], span: FinishedSpan) -> None:
    content, reason = body.get("content"), body.get("stop_reason")
    for block in content or ():
        block.pop("parsed_output", None)  # repeats the text of a structured answer
    read_answer(
        span,
        body,
        output=[{"role": body.get("role") or "assistant", "content": content}] if content else None,
        finish_reasons=[reason] if reason else [],
        service_tier=service_tier_of(body.get("usage")),
        rest=without(body, "content", "usage", PARTIAL),
    )
    if body.get(PARTIAL):
        span.payload[PARTIAL] = True


MESSAGES = Endpoint(
    operation=v.OPERATION_CHAT,
    name="messages",
    payload=(("input", "messages"), ("system", "system"), ("tools", "tools")),
    read=_read,
    is_content=_is_content,
    compact=_compact,
    whole=_whole,
)
"""`POST /v1/messages`."""
ENDPOINTS = Endpoints({"/v1/messages": MESSAGES, "/v1/messages?beta=true": MESSAGES})
"""Path as the client gives it → endpoint."""
ENDPOINTS.routes = (("get", re.compile(r"/v1/messages/batches/[^/?]+/results(?:\?beta=true)?$"), BATCH_RESULTS),)


def watch(source: SpanSource, on_headers: OnHeaders, *, request_usage: bool = False) -> Undo:  # noqa: ARG001 - Anthropic always sends usage
    """Watch every `anthropic` client of the process; returns a function that stops it.

    Raises:
        ImportError: the client is not installed.
        KeyError: this version of the client is built differently.
    """
    from anthropic._base_client import AsyncAPIClient, SyncAPIClient

    return Watcher(source, ENDPOINTS, ProviderNames("anthropic"), on_headers).watch(SyncAPIClient, AsyncAPIClient)
