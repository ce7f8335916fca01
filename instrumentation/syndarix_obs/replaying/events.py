"""The events of a streamed answer, made from the whole: as many pieces as came, not cut at the same places."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Maker = Callable[[dict[str, Any], int | None, bool], Iterator[str]]
_TEXTS: Final = ("content", "reasoning_content", "reasoning", "refusal")


def pieces(text: str, count: int | None) -> Iterator[str]:
    """A text in about `count` pieces."""
    size = max(1, math.ceil(len(text) / max(1, count or 1)))
    for start in range(0, len(text), size):
        yield text[start : start + size]


def _data(event: Any, name: str | None = None) -> str:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(event, ensure_ascii=False)}\n\n"


def chat(body: dict[str, Any], count: int | None, with_usage: bool) -> Iterator[str]:
    """`chat.completion.chunk` events."""
    head = {k: value for k, value in body.items() if k not in ("choices", "usage")} | {
        "object": "chat.completion.chunk"
    }
    for choice in body["choices"]:
        rest = {k: value for k, value in choice.items() if k not in ("message", "finish_reason")}
        message, empty = choice["message"], {**rest, "finish_reason": None}
        for delta in _deltas(message, count):
            yield _data({**head, "choices": [{**empty, "delta": delta}]})
        yield _data({**head, "choices": [{**rest, "finish_reason": choice["finish_reason"], "delta": {}}]})
    if with_usage and body.get("usage"):
        yield _data({**head, "choices": [], "usage": body["usage"]})
    yield "data: [DONE]\n\n"


def _deltas(message: Mapping[str, Any], count: int | None) -> Iterator[dict[str, Any]]:
    known = (*_TEXTS, "role", "tool_calls", "function_call")
    further = {k: value for k, value in message.items() if k not in known and value is not None}
    yield {"role": message.get("role") or "assistant", "content": "" if message.get("content") else None, **further}
    for name in _TEXTS:
        if message.get(name):
            for piece in pieces(message[name], count):
                yield {name: piece}
    for index, call in enumerate(message.get("tool_calls") or ()):
        inner = call.get("function") or {}
        named = {**inner, "arguments": ""}
        yield {"tool_calls": [{**call, "index": index, "function": named}]}
        for piece in pieces(inner.get("arguments") or "", count):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
    function = message.get("function_call")
    if function:
        yield {"function_call": {**function, "arguments": ""}}
        for piece in pieces(function.get("arguments") or "", count):
            yield {"function_call": {"arguments": piece}}


def completion(body: dict[str, Any], count: int | None, with_usage: bool) -> Iterator[str]:
    """Events of a plain completion."""
    head = {k: value for k, value in body.items() if k not in ("choices", "usage")}
    for choice in body["choices"]:
        for piece in pieces(choice["text"], count):
            yield _data({**head, "choices": [{**choice, "text": piece, "finish_reason": None}]})
        yield _data({**head, "choices": [{**choice, "text": ""}]})
    if with_usage and body.get("usage"):
        yield _data({**head, "choices": [], "usage": body["usage"]})
    yield "data: [DONE]\n\n"


def messages(body: dict[str, Any], count: int | None, _with_usage: bool) -> Iterator[str]:
    """Events of Anthropic's messages."""
    usage = dict(body.get("usage") or {"input_tokens": 0, "output_tokens": 0})
    start = {**body, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    yield _data({"type": "message_start", "message": start}, "message_start")
    for index, block in enumerate(body["content"]):
        yield from _block(index, block, count)
    delta = {"stop_reason": body.get("stop_reason"), "stop_sequence": body.get("stop_sequence")}
    yield _data({"type": "message_delta", "delta": delta, "usage": usage}, "message_delta")
    yield _data({"type": "message_stop"}, "message_stop")


def _block(index: int, block: Mapping[str, Any], count: int | None) -> Iterator[str]:
    kind = block.get("type")
    parts: list[dict[str, Any]] = []
    empty = dict(block)
    if kind == "text":
        empty["text"] = ""
        parts = [{"type": "text_delta", "text": piece} for piece in pieces(block.get("text") or "", count)]
    elif kind == "thinking":
        empty |= {"thinking": "", "signature": ""}
        parts = [{"type": "thinking_delta", "thinking": p} for p in pieces(block.get("thinking") or "", count)]
        if block.get("signature"):
            parts.append({"type": "signature_delta", "signature": block["signature"]})
    elif kind in ("tool_use", "server_tool_use"):
        empty["input"] = {}
        text = json.dumps(block.get("input") or {}, ensure_ascii=False)
        parts = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(text, count)]
    yield _data({"type": "content_block_start", "index": index, "content_block": empty}, "content_block_start")
    for part in parts:
        yield _data({"type": "content_block_delta", "index": index, "delta": part}, "content_block_delta")
    yield _data({"type": "content_block_stop", "index": index}, "content_block_stop")


def responses(body: dict[str, Any], count: int | None, _with_usage: bool) -> Iterator[str]:
    """Events of OpenAI's responses."""
    number = -1

    def event(kind: str, **more: Any) -> str:
        nonlocal number
        number += 1
        return _data({"type": kind, "sequence_number": number, **more}, kind)

    begun = {**body, "status": "in_progress", "output": [], "usage": None}
    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    for index, item in enumerate(body["output"]):
        at = {"output_index": index}
        own = item.get("id") or f"item_{index}"
        yield event("response.output_item.added", **at, item=_unfinished(item))
        if item.get("type") == "function_call":
            for piece in pieces(item.get("arguments") or "", count):
                yield event("response.function_call_arguments.delta", **at, item_id=own, delta=piece)
            whole = {"arguments": item.get("arguments") or "", "name": item.get("name") or ""}
            yield event("response.function_call_arguments.done", **at, item_id=own, **whole)
        for place, part in enumerate(item.get("content") or () if item.get("type") == "message" else ()):
            in_item = {**at, "item_id": own, "content_index": place}
            if part.get("type") == "output_text":
                yield event("response.content_part.added", **in_item, part={**part, "text": ""})
                for piece in pieces(part.get("text") or "", count):
                    yield event("response.output_text.delta", **in_item, delta=piece, logprobs=[])
                yield event("response.output_text.done", **in_item, text=part.get("text") or "", logprobs=[])
            else:
                yield event("response.content_part.added", **in_item, part=part)
            yield event("response.content_part.done", **in_item, part=part)
        yield event("response.output_item.done", **at, item=item)
    ending = {"incomplete": "response.incomplete", "failed": "response.failed"}.get(
        str(body.get("status")), "response.completed"
    )
    yield event(ending, response=body)


def _unfinished(item: Mapping[str, Any]) -> dict[str, Any]:
    made = {**item, "status": "in_progress"} if "status" in item else dict(item)
    if item.get("type") == "message":
        made["content"] = []
    elif item.get("type") == "function_call":
        made["arguments"] = ""
    return made


STREAMS: Final[Mapping[str, Maker]] = {
    "chat.completions": chat, "completions": completion, "messages": messages, "responses": responses,
}  # fmt: skip
"""Endpoint → maker of its events, of (body, count of pieces, whether usage was asked for)."""
