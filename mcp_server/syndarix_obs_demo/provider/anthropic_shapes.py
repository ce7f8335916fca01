"""Anthropic's HTTP shapes: messages (plain and streamed), prompt-cache usage, errors, rate-limit headers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from syndarix_obs_demo.provider.model import Model, Reply, tokens
from syndarix_obs_demo.provider.openai_shapes import pieces

FRAMING = 3
"""Events of a stream that come before the first words: message start, block start, ping."""

_DATED = {"claude-haiku-4-5": "claude-haiku-4-5-20251001"}
"""Names that are answered under a dated one."""
_ERRORS = {
    429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
    529: ("overloaded_error", "Overloaded"),
}


def headers(model: Model) -> dict[str, str]:
    """What Anthropic says about the rate limit beside every answer."""
    reset = "2026-01-01T00:01:00Z"
    found = {"request-id": f"req_{model.served:08d}", "anthropic-organization-id": "demo"}
    for name, allowance in (
        ("requests", model.requests),
        ("tokens", model.tokens),
        ("input-tokens", model.tokens),
    ):
        found[f"anthropic-ratelimit-{name}-limit"] = str(allowance.limit)
        found[f"anthropic-ratelimit-{name}-remaining"] = str(allowance.left)
        found[f"anthropic-ratelimit-{name}-reset"] = reset
    return found


def prompt_tokens(request: Mapping[str, Any]) -> int:
    """Tokens of a request, the cached part included: system prompt, messages and tools."""
    return tokens(json.dumps([request.get("system"), request.get("messages"), request.get("tools") or ""]))


def error(reply: Reply, model: Model) -> dict[str, Any]:
    """The body of a refusal."""
    kind, message = _ERRORS.get(reply.status, ("api_error", "Internal server error"))
    return {
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": f"req_{model.served:08d}",
    }


def message(request: Mapping[str, Any], reply: Reply, model: Model) -> dict[str, Any]:
    """The body of a plain answer."""
    blocks: list[dict[str, Any]] = [{"type": "text", "text": reply.text}] if reply.text else []
    return {
        **_head(request, model),
        "content": blocks + _tool_blocks(reply, model),
        "stop_reason": _stop(reply),
        "usage": {
            **_input_usage(request, model),
            "output_tokens": reply.output_tokens,
            "service_tier": "standard",
        },
    }


def events(request: Mapping[str, Any], reply: Reply, model: Model) -> Iterator[dict[str, Any]]:
    """The events of a streamed answer."""
    usage = {**_input_usage(request, model), "output_tokens": 1, "service_tier": "standard"}
    yield {"type": "message_start", "message": {**_head(request, model), "content": [], "usage": usage}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield {"type": "ping"}
    for piece in pieces(reply.text):
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
    yield {"type": "content_block_stop", "index": 0}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": _stop(reply), "stop_sequence": None},
        "usage": {"output_tokens": reply.output_tokens},
    }
    yield {"type": "message_stop"}


def _head(request: Mapping[str, Any], model: Model) -> dict[str, Any]:
    name = str(request["model"])
    return {
        "id": f"msg_demo{model.served:08d}",
        "type": "message",
        "role": "assistant",
        "model": _DATED.get(name, name),
        "stop_reason": None,
        "stop_sequence": None,
    }


def _tool_blocks(reply: Reply, model: Model) -> list[dict[str, Any]]:
    return [
        {"type": "tool_use", "id": f"toolu_{model.served:08d}_{index}", "name": name, "input": arguments}
        for index, (name, arguments) in enumerate(reply.tool_calls)
    ]


def _stop(reply: Reply) -> str:
    return "tool_use" if reply.tool_calls else "end_turn"


def _input_usage(request: Mapping[str, Any], model: Model) -> dict[str, Any]:
    """Input tokens in Anthropic's three classes, which do not overlap."""
    total = prompt_tokens(request)
    marked = _cache_marked(request)
    cached = min(tokens(marked), total) if marked else 0
    read = cached if marked and model.has_seen(str(request["model"]), marked) else 0
    written = cached - read
    return {
        "input_tokens": total - cached,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
    }


def _cache_marked(request: Mapping[str, Any]) -> str:
    """The part of the system prompt that the caller marked for the prompt cache."""
    system = request.get("system")
    if not isinstance(system, list):
        return ""
    return "".join(json.dumps(block) for block in system if block.get("cache_control"))
