"""Spans of Vercel's AI SDK become calls with all classes of tokens, tools and a session."""

from __future__ import annotations

from typing import Any

import pytest

from syndarix_obs import vocabulary as v
from syndarix_obs.pipeline.foreign import translate
from syndarix_obs.records.finished import FinishedSpan


def span(operation: str, scope: str = "ai", **attributes: Any) -> FinishedSpan:
    """A span as the SDK makes it; `_` stands for a dot."""
    named = {name.replace("_", "."): value for name, value in attributes.items()}
    return FinishedSpan(
        name=operation, trace_id="1" * 32, span_id="2" * 16, scope=(scope, None),
        attributes={"ai.operationId": operation, **named},
    )  # fmt: skip


def test_a_call_has_every_class_of_tokens() -> None:
    found = span(
        "ai.generateText.doGenerate", ai_model_provider="openai.chat", ai_model_id="gpt-4o-mini", ai_prompt="hi",
        ai_usage_inputTokenDetails_cacheReadTokens=200, ai_usage_reasoningTokens=7, ai_response_text="yes",
    )  # fmt: skip
    translate(found)
    assert ("chat", "openai", "gpt-4o-mini", 200, 7) == tuple(
        found.attributes[name]
        for name in (v.GEN_AI_OPERATION_NAME, v.GEN_AI_PROVIDER_NAME, v.GEN_AI_REQUEST_MODEL,
                     v.GEN_AI_USAGE_CACHE_READ_TOKENS, v.GEN_AI_USAGE_REASONING_TOKENS)
    )  # fmt: skip
    assert {"input": "hi", "output": "yes"} == found.payload
    assert [] == [name for name in found.attributes if name.startswith("ai.")]


def test_the_run_around_the_calls_is_an_agent_and_has_no_tokens() -> None:
    found = span(
        "ai.generateText", ai_telemetry_functionId="desk", ai_telemetry_metadata_sessionId="s",
        ai_usage_cachedInputTokens=400,
    )  # fmt: skip
    translate(found)
    assert {v.GEN_AI_OPERATION_NAME: "invoke_agent", v.GEN_AI_AGENT_NAME: "desk", v.SESSION_ID: "s"} == found.attributes


def test_a_tool_call_has_its_arguments_and_result() -> None:
    found = span("ai.toolCall", ai_toolCall_name="search", ai_toolCall_id="c1", ai_toolCall_args='{"q": 1}',
                 ai_toolCall_result='"found"')  # fmt: skip
    translate(found)
    assert ("execute_tool", "search", "c1") == tuple(
        found.attributes[name] for name in (v.GEN_AI_OPERATION_NAME, v.GEN_AI_TOOL_NAME, v.GEN_AI_TOOL_CALL_ID)
    )
    assert {"arguments": {"q": 1}, "result": "found"} == found.payload


@pytest.mark.parametrize(
    ("told", "provider"),
    [("google.generative-ai", "gcp.gemini"), ("google.vertex.chat", "gcp.vertex_ai"),
     ("anthropic.messages", "anthropic"), ("amazon-bedrock", "aws.bedrock"), ("", "unknown")],
)  # fmt: skip
def test_providers_get_the_names_of_the_conventions(told: str, provider: str) -> None:
    found = span("ai.streamText.doStream", ai_model_provider=told, ai_response_msToFirstChunk=250)
    translate(found)
    assert (provider, 0.25) == (
        found.attributes[v.GEN_AI_PROVIDER_NAME], found.attributes[v.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK]
    )  # fmt: skip


def test_spans_of_other_libraries_are_left_alone() -> None:
    found = span("ai.generateText", scope="shop")
    translate(found)
    assert {"ai.operationId": "ai.generateText"} == found.attributes
