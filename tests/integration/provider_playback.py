"""Plays a recorded exchange through the real client, and reads what the provider said without any of our code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import httpx
import httpx2
import openai
from genai_prices import Usage, calc_price

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "provider_recordings.jsonl"


@dataclass(frozen=True)
class Exchange:
    """One recorded request and its answer."""

    id: str
    provider: str
    endpoint: str
    stream: bool
    status: int
    request: dict[str, Any]
    headers: dict[str, str]
    body: str

    def answer(self, http: Any) -> Any:
        """The answer as a response of `httpx` or `httpx2`."""
        return http.Response(self.status, headers=self.headers, content=self.body.encode())

    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects of the body: one, or one for each event of a stream."""
        if not self.stream or self.status != 200:
            return [json.loads(self.body)]
        lines = [line[5:].strip() for line in self.body.split("\n") if line.startswith("data:")]
        return [json.loads(line) for line in lines if line != "[DONE]"]


def exchanges() -> list[Exchange]:
    """All recorded exchanges; none where the file is not on this machine."""
    if not RECORDINGS.is_file():
        return []
    return [Exchange(**json.loads(line)) for line in RECORDINGS.read_text().splitlines()]


# --- the real clients ---


def sync_create(exchange: Exchange) -> Any:
    """The method of a sync client that makes this request."""
    if exchange.provider == "anthropic":
        transport2 = httpx2.MockTransport(lambda _request: exchange.answer(httpx2))
        messages = anthropic.Anthropic(
            api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport2)
        ).messages
        return messages.create
    transport = httpx.MockTransport(lambda _request: exchange.answer(httpx))
    client = openai.OpenAI(api_key="k", max_retries=0, http_client=httpx.Client(transport=transport))
    return _openai_method(client, exchange)


def async_create(exchange: Exchange) -> Any:
    """The method of an async client that makes this request."""
    if exchange.provider == "anthropic":
        transport2 = httpx2.MockTransport(lambda _request: exchange.answer(httpx2))
        messages = anthropic.AsyncAnthropic(
            api_key="k", max_retries=0, http_client=httpx2.AsyncClient(transport=transport2)
        ).messages
        return messages.create
    transport = httpx.MockTransport(lambda _request: exchange.answer(httpx))
    client = openai.AsyncOpenAI(api_key="k", max_retries=0, http_client=httpx.AsyncClient(transport=transport))
    return _openai_method(client, exchange)


def _openai_method(client: Any, exchange: Exchange) -> Any:
    return {
        "/v1/chat/completions": client.chat.completions.create,
        "/v1/responses": client.responses.create,
        "/v1/embeddings": client.embeddings.create,
    }[exchange.endpoint]


def play(exchange: Exchange) -> Exception | None:
    """Play an exchange in this thread; the provider's error, if it was one."""
    try:
        result = sync_create(exchange)(**exchange.request)
        if exchange.stream:
            for _chunk in result:
                pass
    except (openai.APIStatusError, anthropic.APIStatusError) as error:
        return error
    return None


async def play_async(exchange: Exchange) -> Exception | None:
    """Play an exchange in the running event loop."""
    try:
        result = await async_create(exchange)(**exchange.request)
        if exchange.stream:
            async for _chunk in result:
                pass
    except (openai.APIStatusError, anthropic.APIStatusError) as error:
        return error
    return None


# --- what the provider said ---


@dataclass(frozen=True)
class Said:
    """Model, tier and token counts as the provider reported them; `usage` is False when it reported none."""

    usage: bool
    model: str | None
    tier: str | None
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0

    @property
    def tokens(self) -> tuple[int, int, int, int, int]:
        """All five counts."""
        return (self.input, self.output, self.cache_read, self.cache_write, self.reasoning)


def said(exchange: Exchange) -> Said:
    """Read the recorded body."""
    objects = exchange.objects()
    if exchange.provider == "anthropic":
        return _anthropic_said(objects)
    if exchange.endpoint == "/v1/responses":
        last = objects[-1].get("response", objects[-1])
        return _openai_said([last], "input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details")
    return _openai_said(
        objects, "prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details"
    )


def _openai_said(
    objects: list[dict[str, Any]], inputs: str, outputs: str, input_details: str, output_details: str
) -> Said:
    model = next((found["model"] for found in objects if found.get("model")), None)
    tier = next((found["service_tier"] for found in reversed(objects) if found.get("service_tier")), None)
    usage = next((found["usage"] for found in reversed(objects) if found.get("usage")), None)
    if usage is None:
        return Said(False, model, tier)
    return Said(
        True,
        model,
        tier,
        usage[inputs],
        usage.get(outputs, 0),
        (usage.get(input_details) or {}).get("cached_tokens", 0),
        0,
        (usage.get(output_details) or {}).get("reasoning_tokens", 0),
    )


def _anthropic_said(objects: list[dict[str, Any]]) -> Said:
    first = objects[0].get("message", objects[0])
    usage = dict(first["usage"])
    for found in objects:
        if found["type"] == "message_delta":
            usage.update(found["usage"])
    read, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    total = usage["input_tokens"] + read + written
    return Said(True, first["model"], usage.get("service_tier"), total, usage["output_tokens"], read, written)


def price(exchange: Exchange, found: Said, start_ns: int) -> Decimal:
    """What the call costs by the published prices, on the day it was played."""
    usage = Usage(
        input_tokens=found.input,
        output_tokens=found.output,
        cache_read_tokens=found.cache_read,
        cache_write_tokens=found.cache_write,
    )
    at = datetime.fromtimestamp(start_ns / 1e9, UTC)
    assert found.model is not None
    context: Any = {"service_tier": found.tier} if found.tier == "priority" else None
    calculated = calc_price(
        usage, found.model, provider_id=exchange.provider, genai_request_timestamp=at, price_context=context
    )
    return calculated.total_price
