"""The same call and the same tool in the words of five generations of the conventions and of three dialects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from syndarix_obs.testing import Kit, recording

MODEL = "claude-sonnet-4-5"
ASKED, SAID = "How is the weather in Paris?", "It is sunny."
USER, ASSISTANT = {"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}
Events = list[tuple[str, dict[str, Any]]]
Form = tuple[str, dict[str, Any], Events]

_NOW = {"gen_ai.operation.name": "chat", "gen_ai.request.model": MODEL, "gen_ai.usage.input_tokens": 1_300,
        "gen_ai.usage.output_tokens": 50, "gen_ai.usage.cache_read.input_tokens": 1_000,
        "gen_ai.response.finish_reasons": ["stop"]}  # fmt: skip
_OLD = {"gen_ai.system": "anthropic", "gen_ai.operation.name": "chat", "gen_ai.request.model": MODEL,
        "gen_ai.response.finish_reasons": ["stop"]}  # fmt: skip
_MESSAGES = {
    "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": ASKED}]}]),
    "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": SAID}]}]),
}

CALLS: dict[str, Form] = {
    "conventions as pinned": ("any.library", {
        **_NOW, **_MESSAGES, "gen_ai.provider.name": "anthropic", "gen_ai.usage.cache_write.input_tokens": 200,
    }, []),
    "1.40, caches are created": ("any.library", {
        **_NOW, **_MESSAGES, "gen_ai.provider.name": "anthropic", "gen_ai.usage.cache_creation.input_tokens": 200,
    }, []),
    "1.37, messages on an event": ("any.library", {
        **_NOW, "gen_ai.provider.name": "anthropic", "gen_ai.usage.cache_creation_input_tokens": 200,
    }, [("gen_ai.client.inference.operation.details", _MESSAGES)]),
    "1.28, an event for each message": ("any.library", {
        **_NOW, **_OLD, "gen_ai.usage.cache_write_tokens": 200,
    }, [("gen_ai.user.message", {"content": ASKED}),
        ("gen_ai.choice", {"finish_reason": "stop", "message": json.dumps(ASSISTANT)})]),
    "1.26, prompt and completion": ("any.library", {
        **_OLD, "gen_ai.usage.prompt_tokens": 1_300, "gen_ai.usage.completion_tokens": 50,
        "gen_ai.usage.cache_read_input_tokens": 1_000, "gen_ai.usage.cache_creation_input_tokens": 200,
    }, [("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps([USER])}),
        ("gen_ai.content.completion", {"gen_ai.completion": json.dumps([ASSISTANT])})]),
    "OpenInference": ("openinference.instrumentation.anthropic", {
        "openinference.span.kind": "LLM", "llm.model_name": MODEL, "llm.system": "anthropic",
        "llm.token_count.prompt": 1_300, "llm.token_count.completion": 50,
        "llm.token_count.prompt_details.cache_read": 1_000, "llm.token_count.prompt_details.cache_write": 200,
        "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": ASKED,
        "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": SAID,
        "llm.finish_reason": "stop",
    }, []),
    "Traceloop": ("opentelemetry.instrumentation.anthropic", {
        "llm.request.type": "chat", "gen_ai.system": "Anthropic", "gen_ai.request.model": MODEL,
        "gen_ai.usage.prompt_tokens": 1_300, "gen_ai.usage.completion_tokens": 50, "llm.usage.total_tokens": 1_350,
        "gen_ai.usage.cache_read_input_tokens": 1_000, "gen_ai.usage.cache_creation_input_tokens": 200,
        "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": ASKED,
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": SAID,
        "llm.response.finish_reason": "stop",
    }, []),
    "Langfuse": ("langfuse-sdk", {
        "langfuse.observation.type": "generation", "langfuse.observation.model.name": MODEL,
        "langfuse.observation.usage_details": json.dumps({
            "input": 100, "cache_read_input_tokens": 1_000, "cache_creation_input_tokens": 200, "output": 50}),
        "langfuse.observation.input": json.dumps([USER]), "langfuse.observation.output": json.dumps(ASSISTANT),
        "langfuse.trace.name": "weather", "langfuse.observation.level": "DEFAULT",
    }, []),
}  # fmt: skip

TOOLS: dict[str, Form] = {
    "conventions": ("any.library", {
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search", "gen_ai.tool.call.id": "c1",
        "gen_ai.tool.call.arguments": '{"q": "x"}', "gen_ai.tool.call.result": "found",
    }, []),
    "OpenInference": ("openinference.instrumentation.x", {
        "openinference.span.kind": "TOOL", "tool.name": "search", "tool_call.id": "c1", "input.value": '{"q": "x"}',
        "output.value": "found",
    }, []),
    "Traceloop": ("traceloop.tracer", {
        "traceloop.span.kind": "tool", "traceloop.entity.name": "search", "gen_ai.tool.call.id": "c1",
        "traceloop.entity.input": '{"q": "x"}', "traceloop.entity.output": "found",
    }, []),
    "Langfuse": ("langfuse-sdk", {
        "langfuse.observation.type": "tool", "gen_ai.tool.call.id": "c1", "langfuse.observation.input": '{"q": "x"}',
        "langfuse.observation.output": "found",
    }, []),
}  # fmt: skip


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    """A platform that every form is told to."""
    with recording() as made:
        yield made


def told(kit: Kit, form: Form, name: str, kind: str) -> tuple[Any, dict[str, Any]]:
    """The newest record of a kind, and its texts."""
    scope, attributes, events = form
    with kit.obs.session(agent="desk"), kit.obs.tracer_provider.get_tracer(scope).start_as_current_span(name) as span:
        span.set_attributes(attributes)
        for event, values in events:
            span.add_event(event, values)
    found = kit.records(kind)[-1]
    return found, json.loads(found.payload)


def texts(value: Any) -> list[tuple[str, str]]:
    """Role and text of each message, in whatever form it has."""
    messages = value if isinstance(value, list) else [value]
    return [(each["role"], each.get("content") or each["parts"][0]["content"]) for each in messages]


@pytest.mark.parametrize("form", CALLS)
def test_every_form_of_a_call_is_the_same_line_and_the_same_messages(kit: Kit, form: str) -> None:
    call, payload = told(kit, CALLS[form], "chat", "llm_call")
    line = kit.records("cost")[-1]
    assert call.span_id == line.span_id
    assert (100, 1_000, 200, 50) == (
        line.tokens_input, line.tokens_cache_read, line.tokens_cache_write, line.tokens_output
    )  # fmt: skip
    # 100 x $3 + 1,000 x $0.30 + 200 x $3.75 + 50 x $15, a million each
    assert 0.0021 == float(line.total_cost_usd)
    assert (MODEL, False, "desk") == (line.model, line.estimated, line.agent)
    assert [("user", ASKED)] == texts(payload["input"])
    assert [("assistant", SAID)] == texts(payload["output"])
    assert not [name for name in call.attributes if name.startswith(("llm.", "langfuse.trace"))]


@pytest.mark.parametrize("form", TOOLS)
def test_every_form_of_a_tool_is_the_same_tool(kit: Kit, form: str) -> None:
    tool, payload = told(kit, TOOLS[form], "search", "tool_call")
    assert ("search", "c1") == (tool.tool, tool.call_id)
    assert ({"q": "x"}, "found") == (payload["arguments"], payload["result"])


def test_a_usage_of_langfuse_whose_classes_are_parts_of_the_others_is_not_added_up(kit: Kit) -> None:
    usage = {"input": 1_300, "output": 50, "total": 1_350, "input_cached_tokens": 1_000}
    form = ("langfuse-sdk", {
        "langfuse.observation.type": "generation", "langfuse.observation.model.name": MODEL,
        "langfuse.observation.usage_details": json.dumps(usage), "langfuse.observation.output": SAID,
    }, [])  # fmt: skip
    call, _ = told(kit, form, "chat", "llm_call")
    assert (1_300, 1_000, 50) == (call.input_tokens, call.cache_read_tokens, call.output_tokens)
