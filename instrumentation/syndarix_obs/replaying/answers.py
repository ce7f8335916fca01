"""A recorded answer as the body that the provider would send: JSON, or the events of a stream."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import random
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from syndarix_obs.errors import NotReplayable
from syndarix_obs.pipeline.choices import calls_of
from syndarix_obs.pipeline.messages import as_list, field, text_of
from syndarix_obs.replaying import events
from syndarix_obs.replaying.tape import ModelStep

JSON: Final = "application/json"
EVENTS: Final = "text/event-stream; charset=utf-8"
_NO_RETRY: Final = {"x-should-retry": "false"}
"""The real client would try again what had failed for good."""
_OURS: Final = frozenset({"choices", "vectors", "error", "partial"})
"""Fields of a recorded answer that are no fields of the provider's."""
_STATUS_OF_ERROR: Final = {"rate_limit_error": 429, "overloaded_error": 529, "invalid_request_error": 400}


def response_of(step: ModelStep, *, stream: bool, body: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """HTTP status, headers and body of a recorded answer.

    Args:
        step: the recorded call.
        stream: whether the client asks for a stream now.
        body: the request as it came, for the form that vectors are wanted in.

    Raises:
        NotReplayable: the step holds no answer to give.
    """
    if step.problem is not None:
        raise NotReplayable(f"{step.title} cannot be replayed: {step.problem}")
    if step.status == "error" and step.output is None:
        return _failure(step)
    if step.endpoint == "embeddings":
        return 200, {"content-type": JSON, **_NO_RETRY}, _encoded(_embeddings(step, body))
    whole = _WHOLE.get(step.endpoint or "")
    if whole is None or not step.output:
        raise NotReplayable(f"{step.title} cannot be replayed: its recorded answer is empty")
    made = whole(step)
    if not stream:
        return 200, {"content-type": JSON, **_NO_RETRY}, _encoded(made)
    lines = events.STREAMS[step.endpoint or ""](made, step.chunks, bool(body.get("stream_options") or {}))
    return 200, {"content-type": EVENTS, **_NO_RETRY}, "".join(lines).encode()


def _encoded(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def _failure(step: ModelStep) -> tuple[int, dict[str, str], bytes]:
    kind = step.error_type or "api_error"
    known = step.response.get("error")
    told = known if isinstance(known, Mapping) else {"type": kind, "code": kind}
    error = {"code": None, "param": None, **told, "message": step.error_message or kind}
    body = {"type": "error", "error": error}
    status = step.http_status or _STATUS_OF_ERROR.get(kind, 500)
    return status, {"content-type": JSON, "retry-after": "1", **_NO_RETRY}, _encoded(body)


def _rest(step: ModelStep) -> dict[str, Any]:
    rest = {name: value for name, value in step.response.items() if name not in _OURS}
    rest.setdefault("id", step.response_id or "recorded")
    rest.setdefault("model", step.model or "unknown")
    return rest


def _chat(step: ModelStep) -> dict[str, Any]:
    messages = [_chat_message(message) for message in as_list(step.output)]
    extras = step.response.get("choices") or []
    choices = []
    for index, message in enumerate(messages):
        extra = extras[index] if index < len(extras) else {}
        reason = step.finish_reason or ("tool_calls" if message.get("tool_calls") else "stop")
        choices.append({"index": index, "finish_reason": reason, **extra, "message": message})
    return {"object": "chat.completion", "created": step.start_ns // 10**9, **_rest(step), "choices": choices}


def _chat_message(message: Any) -> dict[str, Any]:
    """A message in the API's own form; one in the form of the conventions (`parts`) or plain text is put into it."""
    if isinstance(message, Mapping) and "parts" not in message:
        return {"role": "assistant", "content": None, **message}
    made: dict[str, Any] = {"role": "assistant", "content": _text(message) or None}
    calls = [] if isinstance(message, str) else [
        {"id": call.call_id or f"call_{at}", "type": "function",
         "function": {"name": call.name, "arguments": _json_text(call.arguments)}}
        for at, call in enumerate(calls_of([message]))
    ]  # fmt: skip
    return {**made, "tool_calls": calls} if calls else made


def _text(message: Any) -> str:
    if isinstance(message, str):
        return message
    parts = [part for part in as_list(field(message, "parts")) if field(part, "type") in (None, "text")]
    return text_of(parts)


def _json_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value if value is not None else {}, ensure_ascii=False)


def _completion(step: ModelStep) -> dict[str, Any]:
    extras = step.response.get("choices") or []
    choices = [
        {"index": index, "finish_reason": step.finish_reason or "stop", "logprobs": None,
         **(extras[index] if index < len(extras) else {}), "text": text_of(message)}
        for index, message in enumerate(as_list(step.output))
    ]  # fmt: skip
    return {"object": "text_completion", "created": step.start_ns // 10**9, **_rest(step), "choices": choices}


def _responses(step: ModelStep) -> dict[str, Any]:
    made = {
        "object": "response", "created_at": step.start_ns / 1e9, "status": "completed", "parallel_tool_calls": True,
        "tool_choice": "auto", "tools": [], **_rest(step), "output": as_list(step.output),
    }  # fmt: skip
    if step.request.get("system") is not None:
        made.setdefault("instructions", step.request["system"])
    return made


def _message(step: ModelStep) -> dict[str, Any]:
    content: Any = []
    for message in as_list(step.output):
        content = field(message, "content")
        if isinstance(message, str):
            content = [{"type": "text", "text": message}]
        elif field(message, "parts") is not None:
            calls = [
                {"type": "tool_use", "id": c.call_id or f"toolu_{at}", "name": c.name, "input": _object(c.arguments)}
                for at, c in enumerate(calls_of([message]))
            ]
            text = _text(message)
            content = [*([{"type": "text", "text": text}] if text else []), *calls]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    reason = step.finish_reason or ("tool_use" if any(field(b, "type") == "tool_use" for b in content) else "end_turn")
    usage = {"input_tokens": step.input_tokens, "output_tokens": step.output_tokens}
    return {
        "type": "message", "role": "assistant", "stop_reason": reason, "stop_sequence": None, "usage": usage,
        **_rest(step), "content": content,
    }  # fmt: skip


def _object(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return {}
    return value if value is not None else {}


def _embeddings(step: ModelStep, body: Mapping[str, Any]) -> dict[str, Any]:
    """Vectors are never recorded, because they can be turned back into their texts. Equal texts get equal stand-ins."""
    shape = step.response.get("vectors") or {}
    texts = body.get("input")
    items = texts if isinstance(texts, list) and texts and not isinstance(texts[0], int) else [texts]
    size = int(shape.get("dimensions") or 0)
    if not size:
        raise NotReplayable(f"{step.title} cannot be replayed: neither its vectors nor their size were recorded")
    as_text = body.get("encoding_format") == "base64"
    data = []
    for index, text in enumerate(items):
        vector = stand_in(json.dumps(text, sort_keys=True, default=str), size)
        value: Any = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode() if as_text else vector
        data.append({"object": "embedding", "index": index, "embedding": value})
    rest = _rest(step)
    if "id" not in step.response and step.response_id is None:
        rest.pop("id")
    rest.setdefault("usage", {"prompt_tokens": step.input_tokens, "total_tokens": step.input_tokens})
    return {"object": "list", **rest, "data": data}


def stand_in(text: str, size: int) -> list[float]:
    """A vector of length 1 that depends on the text alone."""
    seed = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")
    numbers = random.Random(seed)  # noqa: S311 - it must be the same each time, not hard to guess
    values = [numbers.gauss(0.0, 1.0) for _ in range(size)]
    length = math.sqrt(math.fsum(value * value for value in values)) or 1.0
    return [value / length for value in values]


_WHOLE: Final[Mapping[str, Callable[[ModelStep], dict[str, Any]]]] = {
    "chat.completions": _chat,
    "completions": _completion,
    "responses": _responses,
    "messages": _message,
}
