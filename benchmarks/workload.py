"""The work every subject does: calls of the real `openai` client against a provider inside the process.

Nothing here imports the project, so the file runs in every comparison environment.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any

WORDS = "the refund for order number forty two was sent to the customer on monday morning and should arrive soon "


def prompt(size: int) -> str:
    """Plain English of `size` characters."""
    return (WORDS * (size // len(WORDS) + 1))[:size]


def answer() -> bytes:
    """A chat completion as the provider sends it."""
    return json.dumps(
        {
            "id": "chatcmpl-bench", "object": "chat.completion", "created": 1_767_225_600,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": prompt(400), "refusal": None}}],
            "usage": {"prompt_tokens": 400, "completion_tokens": 80, "total_tokens": 480,
                      "prompt_tokens_details": {"cached_tokens": 0},
                      "completion_tokens_details": {"reasoning_tokens": 0}},
            "service_tier": "default",
        }
    ).encode()  # fmt: skip


def chunks() -> bytes:
    """The same answer as a stream of 20 chunks."""
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini-2024-07-18"}
    parts: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    parts += [{"content": prompt(20)} for _ in range(18)]
    lines = [{**head, "choices": [{"index": 0, "delta": part, "finish_reason": None}]} for part in parts]
    lines.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    lines.append({**head, "choices": [], "usage": {"prompt_tokens": 400, "completion_tokens": 80, "total_tokens": 480}})
    text = "".join(f"data: {json.dumps(line)}\n\n" for line in lines)
    return (text + "data: [DONE]\n\n").encode()


def http_library() -> Any:
    """The library that the installed `openai` is built on: `httpx2` since version 3, `httpx` before."""
    import openai

    return importlib.import_module("httpx2" if int(openai.__version__.split(".")[0]) >= 3 else "httpx")


def respond(request: Any) -> Any:
    """What the provider sends back."""
    httpx = http_library()
    streamed = b'"stream":true' in request.content or b'"stream": true' in request.content
    if streamed:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=chunks())
    return httpx.Response(200, headers={"content-type": "application/json"}, content=answer())


def client(provider: Callable[[Any], Any] = respond) -> Any:
    """A real `openai` client whose provider is in the process."""
    import openai

    httpx = http_library()
    return openai.OpenAI(
        api_key="none", base_url="http://provider.invalid/v1", max_retries=0,
        http_client=httpx.Client(transport=httpx.MockTransport(provider)),
    )  # fmt: skip


def async_client() -> Any:
    """The same, async."""
    import openai

    httpx = http_library()

    async def provider(request: Any) -> Any:
        return respond(request)

    return openai.AsyncOpenAI(
        api_key="none", base_url="http://provider.invalid/v1", max_retries=0,
        http_client=httpx.AsyncClient(transport=httpx.MockTransport(provider)),
    )  # fmt: skip


def call(size: int) -> Callable[[], None]:
    """One plain chat completion with a prompt of `size` characters."""
    chat, messages = client().chat.completions, [{"role": "user", "content": prompt(size)}]
    return lambda: chat.create(model="gpt-4o-mini", messages=messages)


def streamed_call(size: int) -> Callable[[], None]:
    """One streamed chat completion, read to its end."""
    chat, messages = client().chat.completions, [{"role": "user", "content": prompt(size)}]

    def run() -> None:
        for _ in chat.create(
            model="gpt-4o-mini", messages=messages, stream=True, stream_options={"include_usage": True}
        ):
            pass

    return run
