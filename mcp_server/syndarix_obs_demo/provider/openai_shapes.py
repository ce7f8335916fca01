"""OpenAI's HTTP shapes: chat completions (plain and streamed), embeddings, errors, rate-limit headers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from syndarix_obs_demo.provider.model import Model, Reply, tokens

FRAMING = 1
"""Chunks of a stream that come before the first words: the role."""

_CREATED = 1_767_225_600
_DATED = {
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
}
_CACHE_FROM = 1024
"""OpenAI caches prompts from this many tokens on, in steps of `_CACHE_STEP`."""
_CACHE_STEP = 128
_ERRORS = {
    429: ("rate_limit_exceeded", "Rate limit reached for this model on tokens per min. Try again later."),
    500: ("server_error", "The server had an error while processing your request."),
}


def headers(model: Model) -> dict[str, str]:
    """What OpenAI says about the rate limit beside every answer."""
    return {
        "openai-processing-ms": "120",
        "openai-version": "2020-10-01",
        "x-request-id": f"req_{model.served:08d}",
        "x-ratelimit-limit-requests": str(model.requests.limit),
        "x-ratelimit-limit-tokens": str(model.tokens.limit),
        "x-ratelimit-remaining-requests": str(model.requests.left),
        "x-ratelimit-remaining-tokens": str(model.tokens.left),
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-reset-tokens": "6s",
    }


def prompt_tokens(request: Mapping[str, Any]) -> int:
    """Tokens of a chat request: its messages and tools."""
    return tokens(json.dumps([request.get("messages"), request.get("tools") or ""]))


def error(reply: Reply) -> dict[str, Any]:
    """The body of a refusal."""
    code, message = _ERRORS.get(reply.status, _ERRORS[500])
    kind = "tokens" if reply.status == 429 else code
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def completion(request: Mapping[str, Any], reply: Reply, model: Model) -> dict[str, Any]:
    """The body of a plain answer."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": reply.text or None,
        "refusal": None,
        "annotations": [],
    }
    if reply.tool_calls:
        message["tool_calls"] = _tool_calls(reply, model)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
    return {
        **_head(request, model, "chat.completion"),
        "choices": [choice],
        "usage": _usage(request, reply, model),
    }


def chunks(request: Mapping[str, Any], reply: Reply, model: Model) -> Iterator[dict[str, Any]]:
    """The chunks of a streamed answer; usage comes last, and only to those who asked for it."""
    head = _head(request, model, "chat.completion.chunk")
    wants_usage = bool((request.get("stream_options") or {}).get("include_usage"))
    blank: dict[str, Any] = {"usage": None} if wants_usage else {}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**head, "choices": [choice], **blank}

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    for piece in pieces(reply.text):
        yield chunk({"content": piece})
    yield chunk({}, _finish(reply))
    if wants_usage:
        yield {**head, "choices": [], "usage": _usage(request, reply, model)}


def pieces(text: str, size: int = 24) -> Iterator[str]:
    """A text in the portions it is streamed in."""
    for start in range(0, len(text), size):
        yield text[start : start + size]


def embeddings(request: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an embeddings answer: small vectors that depend on the text alone."""
    given = request["input"]
    texts = [given] if isinstance(given, str) else list(given)
    used = sum(tokens(str(text)) for text in texts)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _vector(str(text))} for index, text in enumerate(texts)
        ],
        "model": request["model"],
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }


def _vector(text: str) -> list[float]:
    return [byte / 127.5 - 1 for byte in hashlib.sha256(text.encode()).digest()[:16]]


def _head(request: Mapping[str, Any], model: Model, kind: str) -> dict[str, Any]:
    name = str(request["model"])
    return {
        "id": f"chatcmpl-demo{model.served:08d}",
        "object": kind,
        "created": _CREATED,
        "model": _DATED.get(name, name),
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
    }


def _tool_calls(reply: Reply, model: Model) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{model.served:08d}_{index}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for index, (name, arguments) in enumerate(reply.tool_calls)
    ]


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.tool_calls else "stop"


def _usage(request: Mapping[str, Any], reply: Reply, model: Model) -> dict[str, Any]:
    used = prompt_tokens(request)
    cached = _cached_tokens(request, used, model)
    return {
        "prompt_tokens": used,
        "completion_tokens": reply.output_tokens,
        "total_tokens": used + reply.output_tokens,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reply.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _cached_tokens(request: Mapping[str, Any], used: int, model: Model) -> int:
    first = json.dumps(request["messages"][0])
    if tokens(first) < _CACHE_FROM or not model.has_seen(str(request["model"]), first):
        return 0
    return min(tokens(first), used) // _CACHE_STEP * _CACHE_STEP
