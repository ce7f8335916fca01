"""Every way a call is billed, against arithmetic that is written out here from the providers' published prices.

Usages are in the providers' own shapes, and go through the steps that every span goes through.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing import PriceBook
from syndarix_obs.pricing.price_step import PriceStep
from syndarix_obs.pricing.token_step import TokensStep
from syndarix_obs.records.finished import FinishedSpan

AT = 1_793_534_400 * 10**9
"""2026-11-01T12:00:00Z."""
PRICES = """
- {provider: azure, model: support-prod, from: 2026-01-01, priced_as: openai/gpt-4o, checked: 2026-11-01,
   source: portal}
- {provider: aws.bedrock, model: "arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc", from: 2026-01-01,
   priced_as: anthropic/claude-haiku-4-5, checked: 2026-11-01, source: console}
"""


@dataclass(frozen=True)
class Way:
    """One way: what was called, what the provider said of it, and millionths of a dollar by hand."""

    name: str
    provider: str
    model: str
    usage: dict[str, Any] | None
    millionths: float
    tier: str | None = None
    answered: str | None = None
    operation: str = "chat"
    attributes: dict[str, Any] = field(default_factory=dict)


def chat(sent: int, spoken: int, **details: Any) -> dict[str, Any]:
    """OpenAI's usage of a chat completion."""
    return {"prompt_tokens": sent, "completion_tokens": spoken, "total_tokens": sent + spoken, **details}


def claude(sent: int, spoken: int, *, w5m: int = 0, w1h: int = 0, read: int = 0, **more: Any) -> dict[str, Any]:
    """Anthropic's usage."""
    return {
        "input_tokens": sent, "output_tokens": spoken, "cache_read_input_tokens": read,
        "cache_creation_input_tokens": w5m + w1h,
        "cache_creation": {"ephemeral_5m_input_tokens": w5m, "ephemeral_1h_input_tokens": w1h}, **more,
    }  # fmt: skip


_AUDIO = chat(1_200, 300, prompt_tokens_details={"audio_tokens": 1_000, "text_tokens": 200},
              completion_tokens_details={"audio_tokens": 250, "text_tokens": 50})  # fmt: skip
_IMAGES = {"input_tokens": 1_100, "output_tokens": 4_160, "total_tokens": 5_260,
           "input_tokens_details": {"text_tokens": 100, "image_tokens": 1_000}}  # fmt: skip
_NANO = {"promptTokenCount": 100, "candidatesTokenCount": 1_290, "totalTokenCount": 1_390,
         "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1_290}]}  # fmt: skip
_GEMINI_AUDIO = {"promptTokenCount": 2_100, "candidatesTokenCount": 50, "totalTokenCount": 2_150,
                 "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 2_000},
                                         {"modality": "TEXT", "tokenCount": 100}]}  # fmt: skip
_LONG = {"promptTokenCount": 300_000, "candidatesTokenCount": 1_000, "totalTokenCount": 301_000}
_RESPONSES = {"input_tokens": 9_000, "output_tokens": 500, "total_tokens": 9_500,
              "input_tokens_details": {"cached_tokens": 0}}  # fmt: skip
_SEARCHED = {v.USAGE_WEB_SEARCHES: 2, v.USAGE_FILE_SEARCHES: 4, v.USAGE_CODE_EXECUTIONS: 1}

WAYS = (
    Way("audio in and out", "openai", "gpt-audio", _AUDIO, 200 * 2.5 + 1_000 * 32 + 50 * 10 + 250 * 64),
    Way("image in, image out", "openai", "gpt-image-1", _IMAGES, 100 * 5 + 1_000 * 10 + 4_160 * 40,
        operation="generate_content"),
    Way("image out of a chat model", "gcp.gemini", "gemini-2.5-flash-image", _NANO, 100 * 0.3 + 1_290 * 30),
    Way("audio into a chat model", "gcp.gemini", "gemini-2.5-flash", _GEMINI_AUDIO, 100 * 0.3 + 2_000 * 1 + 50 * 2.5),
    Way("audio by its seconds", "openai", "whisper-1", None, 120 / 60 * 6_000, operation="generate_content",
        attributes={v.USAGE_AUDIO_SECONDS: 120}),
    Way("web search of Anthropic", "anthropic", "claude-sonnet-4-5",
        claude(1_000, 500, server_tool_use={"web_search_requests": 3}), 1_000 * 3 + 500 * 15 + 3 * 10_000),
    Way("tools of OpenAI", "openai", "gpt-5", _RESPONSES, 9_000 * 1.25 + 500 * 10 + 2 * 10_000 + 4 * 2_500 + 30_000,
        attributes=_SEARCHED),
    Way("cache writes for 5 minutes and an hour", "anthropic", "claude-haiku-4-5",
        claude(1_000, 200, w5m=4_000, w1h=6_000, read=20_000),
        1_000 * 1 + 200 * 5 + 4_000 * 1.25 + 6_000 * 2 + 20_000 * 0.1),
    Way("long context of Anthropic", "anthropic", "claude-sonnet-4-5", claude(300_000, 1_000),
        300_000 * 6 + 1_000 * 22.5),
    Way("long context of Google", "gcp.gemini", "gemini-2.5-pro", _LONG, 300_000 * 2.5 + 1_000 * 15),
    Way("cached input", "openai", "gpt-5", chat(10_000, 500, prompt_tokens_details={"cached_tokens": 8_000}),
        2_000 * 1.25 + 8_000 * 0.125 + 500 * 10),
    Way("batch of OpenAI", "openai", "gpt-5", chat(10_000, 500), (10_000 * 1.25 + 500 * 10) / 2, tier="batch"),
    Way("flex", "openai", "gpt-5", chat(10_000, 500), (10_000 * 1.25 + 500 * 10) / 2, tier="flex"),
    Way("priority", "openai", "gpt-5", chat(10_000, 500), 10_000 * 2.5 + 500 * 20, tier="priority"),
    Way("batch of Anthropic", "anthropic", "claude-sonnet-4-5", claude(10_000, 500, service_tier="batch"),
        (10_000 * 3 + 500 * 15) / 2),
    Way("kept in a region", "anthropic", "claude-opus-4-6", claude(10_000, 500, inference_geo="us"),
        (10_000 * 5 + 500 * 25) * 1.1),
    Way("fine-tuned", "openai", "ft:gpt-4o-mini-2024-07-18:acme::a1B2", chat(10_000, 500), 10_000 * 0.3 + 500 * 1.2),
    Way("Bedrock, global profile", "aws.bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        {"inputTokens": 10_000, "outputTokens": 500, "totalTokens": 10_500}, 10_000 * 3 + 500 * 15),
    Way("Bedrock, regional profile", "aws.bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        {"inputTokens": 10_000, "outputTokens": 500, "totalTokens": 10_500}, (10_000 * 3 + 500 * 15) * 1.1),
    Way("Bedrock, own profile", "aws.bedrock", "arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc",
        {"inputTokens": 10_000, "outputTokens": 500, "totalTokens": 10_500}, 10_000 * 1 + 500 * 5),
    Way("Vertex with a date", "gcp.vertex_ai", "claude-haiku-4-5@20251001", claude(10_000, 500), 10_000 + 500 * 5),
    Way("Azure deployment", "azure.ai.openai", "support-prod", chat(10_000, 500), 10_000 * 2.5 + 500 * 10),
    Way("OpenRouter's own cost", "openrouter", "meta-llama/llama-3.3-70b-instruct", chat(10_000, 500, cost=0.00123),
        1_230),
    Way("OpenRouter with a key of one's own", "openrouter", "openai/gpt-5",
        chat(10_000, 500, cost=0.0001, is_byok=True, cost_details={"upstream_inference_cost": 0.02}), 20_100),
    Way("a gateway that serves another model", "openai", "gpt-4o", chat(10_000, 500), 10_000 * 0.15 + 500 * 0.6,
        answered="gpt-4o-mini-2024-07-18"),
    Way("embeddings", "openai", "text-embedding-3-small", {"prompt_tokens": 10_000, "total_tokens": 10_000},
        10_000 * 0.02, operation="embeddings"),
)  # fmt: skip


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> PriceStep:
    """Prices with a file that says what deployments and profiles stand for."""
    file = tmp_path_factory.mktemp("prices") / "prices.yml"
    Path(file).write_text(PRICES)
    return PriceStep(PriceBook(file))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_call_costs_what_the_provider_bills_for_it(way: Way, step: PriceStep) -> None:
    attributes = {
        v.GEN_AI_OPERATION_NAME: way.operation, v.GEN_AI_PROVIDER_NAME: way.provider, v.GEN_AI_REQUEST_MODEL: way.model,
        v.GEN_AI_RESPONSE_MODEL: way.answered or way.model, **way.attributes,
    }  # fmt: skip
    if way.tier:
        attributes[v.SERVICE_TIER] = way.tier
    span = FinishedSpan(
        name="chat", trace_id="1", span_id="2", start_ns=AT, end_ns=AT + 10**9, attributes=attributes,
        payload={"usage": way.usage} if way.usage else {},
    )  # fmt: skip
    TokensStep()(span)
    step(span)

    assert span.price is not None, "unpriced"
    assert float(Decimal(str(way.millionths)) / 1_000_000) == pytest.approx(float(span.price.total_usd), rel=0.01)
