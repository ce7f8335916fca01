"""Every provider's way to report tokens becomes one shape with totals that include their parts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing.usage import (
    OTHER_ATTRIBUTES,
    TokenUsage,
    consistent,
    from_attributes,
    service_tier_of,
    to_attributes,
    usage_from,
)

SHAPES: dict[str, tuple[str | None, dict[str, Any], TokenUsage]] = {
    "OpenAI chat": (
        "openai",
        {
            "prompt_tokens": 100, "completion_tokens": 40, "total_tokens": 140,
            "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 0},
        },
        TokenUsage(100, 40, 64, 0, 30, {"input_audio_tokens": 5}),
    ),
    "OpenAI embeddings": ("openai", {"prompt_tokens": 8, "total_tokens": 8}, TokenUsage(8, 0)),
    "OpenAI responses": (
        "openai",
        {
            "input_tokens": 100, "input_tokens_details": {"cached_tokens": 10},
            "output_tokens": 50, "output_tokens_details": {"reasoning_tokens": 20},
        },
        TokenUsage(100, 50, 10, 0, 20),
    ),
    "Anthropic": (
        "anthropic",
        {
            "input_tokens": 4, "cache_creation_input_tokens": 1163, "cache_read_input_tokens": 20,
            "cache_creation": {"ephemeral_1h_input_tokens": 163, "ephemeral_5m_input_tokens": 1000},
            "output_tokens": 9, "server_tool_use": {"web_search_requests": 2},
        },
        TokenUsage(1187, 9, 20, 1163, 0, {"cache_write_1h_tokens": 163, "web_searches": 2}),
    ),
    "Anthropic without caches": ("anthropic", {"input_tokens": 4, "output_tokens": 9}, TokenUsage(4, 9)),
    "Anthropic on Bedrock": (
        "aws.bedrock",
        {"input_tokens": 4, "cache_read_input_tokens": 20, "output_tokens": 9},
        TokenUsage(24, 9, 20),
    ),
    "Bedrock": (
        "aws.bedrock",
        {"inputTokens": 5, "outputTokens": 6, "cacheReadInputTokens": 7, "cacheWriteInputTokens": 8},
        TokenUsage(20, 6, 7, 8),
    ),
    "Gemini": (
        "gcp.gemini",
        {"promptTokenCount": 50, "candidatesTokenCount": 10, "thoughtsTokenCount": 5,
        "cachedContentTokenCount": 20}, TokenUsage(50, 15, 20, 0, 5),
    ),
    "Gemini's client": (
        "gcp.gemini", {"prompt_token_count": 50, "candidates_token_count": 10}, TokenUsage(50, 10),
    ),
    "our own": (
        None,
        {
            "input_tokens": 100, "output_tokens": 50, "cache_read_tokens": 10, "cache_write_tokens": 20,
            "reasoning_tokens": 30, "web_searches": 1,
        },
        TokenUsage(100, 50, 10, 20, 30, {"web_searches": 1}),
    ),
    "our own for Anthropic": (
        "anthropic",
        {"input_tokens": 100, "output_tokens": 50, "cache_read_tokens": 10},
        TokenUsage(100, 50, 10),
    ),
}  # fmt: skip


def as_object(value: Any) -> Any:
    return (
        SimpleNamespace(**{key: as_object(part) for key, part in value.items()}) if isinstance(value, dict) else value
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_a_reported_usage_is_read(shape: str) -> None:
    provider, raw, expected = SHAPES[shape]
    assert expected == usage_from(provider, raw)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_object_is_read_like_a_dict(shape: str) -> None:
    provider, raw, expected = SHAPES[shape]
    assert expected == usage_from(provider, as_object(raw))


def test_a_usage_in_our_shape_is_returned_as_it_is() -> None:
    assert TokenUsage(1, 2) == usage_from("openai", TokenUsage(1, 2))


@pytest.mark.parametrize("raw", [None, {}, {"total": 3}, "prompt_tokens", 7, object()])
def test_without_counts_there_is_no_usage(raw: Any) -> None:
    assert usage_from("openai", raw) is None


@pytest.mark.parametrize(
    ("odd", "expected"),
    [("12", 12), (3.9, 3), (-5, 0), (True, 0), (float("nan"), 0), (float("inf"), 0), ([], 0)],
)
def test_odd_counts_are_whole_and_never_negative(odd: Any, expected: int) -> None:
    usage = usage_from("openai", {"prompt_tokens": odd, "completion_tokens": 1})
    assert TokenUsage(expected, 1) == usage


def test_a_missing_part_of_the_details_is_nothing() -> None:
    raw = {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": None}
    assert TokenUsage(1, 1) == usage_from("openai", raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"service_tier": "batch"}, "batch"),
        ({"service_tier": "standard", "speed": "fast"}, "fast"),
        ({"service_tier": 3}, None),
        ({}, None),
    ],
)
def test_the_service_tier_is_read_from_the_usage(raw: dict[str, Any], expected: str | None) -> None:
    assert expected == service_tier_of(raw)


def test_parts_that_were_reported_beside_the_total_are_added_to_it() -> None:
    assert TokenUsage(34, 50, 20, 10, 40) == consistent(TokenUsage(4, 10, 20, 10, 40))


def test_totals_that_hold_their_parts_stay() -> None:
    usage = TokenUsage(30, 40, 20, 10, 40)
    assert usage is consistent(usage)


@given(st.builds(TokenUsage, *[st.integers(0, 10**9)] * 5))
def test_parts_never_exceed_their_totals_afterwards(usage: TokenUsage) -> None:
    fixed = consistent(usage)
    assert fixed.cache_read + fixed.cache_write <= fixed.input
    assert fixed.reasoning <= fixed.output
    assert fixed == consistent(fixed)


@given(
    st.builds(
        TokenUsage,
        *[st.integers(0, 10**9)] * 5,
        st.dictionaries(st.sampled_from(sorted(OTHER_ATTRIBUTES)), st.integers(1, 10**6)),
    )
)
def test_attributes_say_the_same_as_the_usage(usage: TokenUsage) -> None:
    assert usage == from_attributes(to_attributes(usage))


def test_a_span_without_totals_has_no_usage() -> None:
    assert from_attributes({v.GEN_AI_USAGE_REASONING_TOKENS: 3}) is None


def test_a_class_without_an_attribute_is_left_out() -> None:
    usage = TokenUsage(1, 1, other={"rerank_searches": 2})
    assert to_attributes(usage) == {v.GEN_AI_USAGE_INPUT_TOKENS: 1, v.GEN_AI_USAGE_OUTPUT_TOKENS: 1}
