"""Clients whose provider is a function of the test, and the bodies that providers send."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest

QUESTION = [{"role": "user", "content": "Say hello"}]


def chat_body(text: str = "Hello!", **changes: Any) -> dict[str, Any]:
    """A chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
        **changes,
    }


def chunk(delta: dict[str, Any] | None, finish: str | None = None, **changes: Any) -> dict[str, Any]:
    """One chunk of a streamed chat completion; without a delta it has no choices."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": choices,
        **changes,
    }


CHUNKS = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Hel"}),
    chunk({"content": "lo!"}),
    chunk({}, "stop"),
]
USAGE_CHUNK = chunk(None, usage={"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12})

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "Hello!"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 4, "cache_read_input_tokens": 5, "service_tier": "standard"},
}
EVENTS = [
    {
        "type": "message_start",
        "message": {**MESSAGE, "content": [], "stop_reason": None, "usage": {"input_tokens": 10, "output_tokens": 1}},
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Well"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "sig"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "t1", "name": "look", "input": {}},
    },
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"q": '}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '"x"}'}},
    {"type": "content_block_stop", "index": 1},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 21},
    },
    {"type": "message_stop"},
]


def sse(objects: Iterable[dict[str, Any]], named: bool = False) -> bytes:
    """A server-sent event stream; `named` with an event line for each object, as Anthropic sends it."""
    if named:
        return "".join(f"event: {o['type']}\ndata: {json.dumps(o)}\n\n" for o in objects).encode()
    return "".join(f"data: {json.dumps(o)}\n\n" for o in objects).encode() + b"data: [DONE]\n\n"


def _pieces(http: Any, body: bytes) -> Any:
    """A body that arrives bit by bit, as over a network."""
    parts = [body[at : at + 64] for at in range(0, len(body), 64)]

    class Pieces(http.SyncByteStream, http.AsyncByteStream):  # type: ignore[misc]  # of whichever library it is
        def __iter__(self) -> Iterator[bytes]:
            yield from parts

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for part in parts:
                yield part

    return Pieces()


def _respond(http: Any, body: Any, status: int, headers: dict[str, str]) -> Any:
    if isinstance(body, BaseException):
        raise body
    if isinstance(body, bytes):
        return http.Response(
            status, headers={"content-type": "text/event-stream", **headers}, stream=_pieces(http, body)
        )
    return http.Response(status, headers=headers, json=body)


def _answering(http: Any, body: Any, status: int, headers: dict[str, str] | None, sent: list[Any] | None) -> Any:
    def answer(request: Any) -> Any:
        if sent is not None:
            sent.append(request)
        return _respond(http, body, status, headers or {})

    return http.MockTransport(answer)


def openai_client(
    body: Any, status: int = 200, headers: dict[str, str] | None = None, sent: list[Any] | None = None, **options: Any
) -> openai.OpenAI:
    """A client whose provider answers with a body: a dict as JSON, bytes as an event stream, an exception raised."""
    http = _http_of(openai)
    transport = _answering(http, body, status, headers, sent)
    return openai.OpenAI(api_key="k", max_retries=0, http_client=http.Client(transport=transport), **options)


def async_openai_client(body: Any, status: int = 200) -> openai.AsyncOpenAI:
    """The same for the async client."""
    http = _http_of(openai)
    transport = _answering(http, body, status, None, None)
    return openai.AsyncOpenAI(api_key="k", max_retries=0, http_client=http.AsyncClient(transport=transport))


def anthropic_client(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> anthropic.Anthropic:
    """An Anthropic client whose provider answers with a body."""
    http = _http_of(anthropic)
    transport = _answering(http, body, status, headers, None)
    return anthropic.Anthropic(api_key="k", max_retries=0, http_client=http.Client(transport=transport))


def async_anthropic_client(body: Any) -> anthropic.AsyncAnthropic:
    """The same for the async client."""
    http = _http_of(anthropic)
    transport = _answering(http, body, 200, None, None)
    return anthropic.AsyncAnthropic(api_key="k", max_retries=0, http_client=http.AsyncClient(transport=transport))


def _http_of(client: Any) -> Any:
    """The HTTP library that this version of a client is built on."""
    return httpx2 if issubclass(client.DefaultHttpxClient, httpx2.Client) else httpx


needs_own_spans = pytest.mark.skipif(
    "open_telemetry" not in inspect.signature(anthropic.Anthropic.copy).parameters,
    reason="this version of the anthropic client opens no spans of its own",
)

Ask = Callable[..., Any]


def ask(client: openai.OpenAI, **options: Any) -> Any:
    """Ask for a chat completion."""
    create: Ask = client.chat.completions.create
    return create(**{"model": "gpt-4o-mini", "messages": QUESTION, **options})


def ask_claude(client: anthropic.Anthropic, **options: Any) -> Any:
    """Ask for a message."""
    create: Ask = client.messages.create
    return create(**{"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": QUESTION, **options})
