"""Whatever a library calls things, the pipeline sees GenAI names, with content in the payload."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndarix_obs import vocabulary as v
from syndarix_obs.pipeline.normalise import NormaliseStep
from syndarix_obs.pipeline.spellings import RENAMED
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import SpanEvent
from syndarix_obs.spans.correlation import Correlation

MESSAGES = [{"role": "user", "content": "hello"}]


def normalised(
    attributes: dict[str, Any],
    *,
    scope: str = "somebody.else",
    payload: dict[str, Any] | None = None,
    events: list[SpanEvent] | None = None,
    correlation: Correlation | None = None,
) -> FinishedSpan:
    span = FinishedSpan(
        name="chat", trace_id="1" * 32, span_id="2" * 16, attributes=dict(attributes), payload=payload, events=events,
        scope=(scope, None), correlation=correlation or Correlation(),
    )  # fmt: skip
    NormaliseStep()(span)
    return span


@pytest.mark.parametrize("old", sorted(set(RENAMED)))
def test_an_old_name_becomes_the_conventional_one(old: str) -> None:
    span = normalised({old: "x"})
    assert old not in span.attributes
    assert span.attributes[RENAMED[old]] in ("x", ["x"])


@pytest.mark.parametrize("old", sorted(set(RENAMED)))
def test_the_conventional_name_wins_over_an_old_one(old: str) -> None:
    span = normalised({old: "old", RENAMED[old]: "new"})
    assert span.attributes[RENAMED[old]] in ("new", ["new"])
    assert old not in span.attributes


def test_the_scope_of_our_own_api_is_not_translated() -> None:
    span = normalised({"gen_ai.system": "openai"}, scope="syndarix_obs")
    assert span.attributes == {"gen_ai.system": "openai"}


def test_a_span_that_is_not_about_models_is_left_as_it_is() -> None:
    attributes = {"http.request.method": "GET", "url.full": "http://127.0.0.1/", "inputs": 3}
    assert attributes == normalised(attributes).attributes


# --- payload attributes ---


@pytest.mark.parametrize("scope", ["syndarix_obs", "somebody.else"])
@pytest.mark.parametrize("name", sorted(v.PAYLOAD_ATTRIBUTES))
def test_a_payload_attribute_never_stays_on_the_span(name: str, scope: str) -> None:
    span = normalised({name: json.dumps(MESSAGES)}, scope=scope)
    assert name not in span.attributes
    assert {v.PAYLOAD_ATTRIBUTES[name]: MESSAGES} == span.payload


def test_text_that_is_not_json_stays_text() -> None:
    span = normalised({v.GEN_AI_TOOL_CALL_RESULT: "{not json", v.GEN_AI_SYSTEM_INSTRUCTIONS: "Be kind."})
    assert span.payload == {"result": "{not json", "system": "Be kind."}


def test_what_our_own_api_handed_over_wins_over_an_attribute() -> None:
    span = normalised({v.GEN_AI_INPUT_MESSAGES: "[]"}, scope="syndarix_obs", payload={"input": MESSAGES})
    assert span.payload == {"input": MESSAGES}


# --- the correlation ---

WHO = Correlation(
    session_id="s-1", agent="support", agent_type="assistant", agent_version="v1", project="acme", user="u-1",
    task_type="refund",
)  # fmt: skip


def test_a_span_inside_a_session_says_whose_it_is() -> None:
    assert normalised({}, correlation=WHO).attributes == {
        v.SESSION_ID: "s-1", v.GEN_AI_CONVERSATION_ID: "s-1", v.GEN_AI_AGENT_NAME: "support",
        v.AGENT_TYPE: "assistant", v.AGENT_VERSION: "v1", v.PROJECT: "acme", v.USER_ID: "u-1",
        v.TASK_TYPE: "refund",
    }  # fmt: skip


@pytest.mark.parametrize("name", [v.SESSION_ID, v.GEN_AI_AGENT_NAME, v.USER_ID, v.GEN_AI_CONVERSATION_ID])
def test_what_the_span_says_itself_wins_over_the_session(name: str) -> None:
    assert normalised({name: "own"}, correlation=WHO).attributes[name] == "own"


def test_outside_every_session_nothing_is_added() -> None:
    assert normalised({}).attributes == {}


def test_ids_are_text() -> None:
    span = normalised({v.SESSION_ID: 42, v.USER_ID: 7, "gen_ai.operation.name": "chat"})
    assert (span.attributes[v.SESSION_ID], span.attributes[v.USER_ID]) == ("42", "7")


# --- Traceloop ---


def test_a_traceloop_chat_span_is_understood() -> None:
    span = normalised(
        {
            "gen_ai.system": "OpenAI",
            "llm.request.type": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.prompt_tokens": 12,
            "gen_ai.usage.completion_tokens": 3,
            "llm.usage.total_tokens": 15,
            "gen_ai.usage.cache_read_input_tokens": 4,
            "llm.is_streaming": False,
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "Be kind.",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.prompt.1.content": "hello",
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.finish_reason": "tool_calls",
            "gen_ai.completion.0.tool_calls.0.id": "call_1",
            "gen_ai.completion.0.tool_calls.0.name": "search",
            "gen_ai.completion.0.tool_calls.0.arguments": '{"q":"x"}',
            "llm.request.functions.0.name": "search",
            "llm.request.functions.0.description": "Search.",
        }
    )
    assert span.attributes == {
        v.GEN_AI_PROVIDER_NAME: "openai",
        v.GEN_AI_OPERATION_NAME: "chat",
        v.GEN_AI_REQUEST_MODEL: "gpt-4o",
        v.GEN_AI_USAGE_INPUT_TOKENS: 12,
        v.GEN_AI_USAGE_OUTPUT_TOKENS: 3,
        v.GEN_AI_USAGE_CACHE_READ_TOKENS: 4,
        v.GEN_AI_REQUEST_STREAM: False,
    }
    call = {"id": "call_1", "name": "search", "arguments": '{"q":"x"}'}
    assert {
        "input": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hello"}],
        "output": [{"role": "assistant", "finish_reason": "tool_calls", "tool_calls": [call]}],
        "tools": [{"name": "search", "description": "Search."}],
    } == span.payload


def test_a_traceloop_tool_span_is_a_tool_call() -> None:
    span = normalised(
        {
            "traceloop.span.kind": "tool",
            "traceloop.entity.name": "search",
            "traceloop.entity.input": '{"q": "x"}',
            "traceloop.entity.output": '["found"]',
        }
    )
    assert span.attributes[v.GEN_AI_OPERATION_NAME] == v.OPERATION_EXECUTE_TOOL
    assert span.attributes[v.GEN_AI_TOOL_NAME] == "search"
    assert span.payload == {"arguments": {"q": "x"}, "result": ["found"]}


def test_a_traceloop_workflow_is_a_plain_step_without_content_on_the_span() -> None:
    span = normalised({"traceloop.span.kind": "workflow", "traceloop.entity.input": "secret"})
    assert v.GEN_AI_OPERATION_NAME not in span.attributes
    assert span.payload == {"input": "secret"}
    assert "secret" not in span.attributes.values()


@pytest.mark.parametrize(
    ("old", "operation"), [("completion", v.OPERATION_TEXT_COMPLETION), ("embedding", v.OPERATION_EMBEDDINGS)]
)
def test_old_operation_values_are_understood(old: str, operation: str) -> None:
    assert operation == normalised({"llm.request.type": old}).attributes[v.GEN_AI_OPERATION_NAME]


# --- OpenInference ---


def test_an_openinference_llm_span_is_understood() -> None:
    span = normalised(
        {
            "openinference.span.kind": "LLM",
            "llm.model_name": "gpt-4o-2024-08-06",
            "llm.provider": "azure",
            "llm.system": "openai",
            "llm.token_count.prompt": 20,
            "llm.token_count.completion": 9,
            "llm.token_count.total": 29,
            "llm.token_count.prompt_details.cache_read": 8,
            "llm.token_count.completion_details.reasoning": 2,
            "llm.invocation_parameters": '{"temperature": 0.5, "max_tokens": 10, "tools": [{"name": "t"}]}',
            "input.value": '{"messages": []}',
            "input.mime_type": "application/json",
            "output.value": "raw",
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.contents.0.message_content.type": "text",
            "llm.input_messages.0.message.contents.0.message_content.text": "hello",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.tool_calls.0.tool_call.id": "call_1",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "t",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "{}",
        }
    )
    assert span.attributes == {
        "openinference.span.kind": "LLM",
        v.GEN_AI_OPERATION_NAME: "chat",
        v.GEN_AI_PROVIDER_NAME: "azure.ai.openai",
        v.GEN_AI_REQUEST_MODEL: "gpt-4o-2024-08-06",
        v.GEN_AI_USAGE_INPUT_TOKENS: 20,
        v.GEN_AI_USAGE_OUTPUT_TOKENS: 9,
        v.GEN_AI_USAGE_CACHE_READ_TOKENS: 8,
        v.GEN_AI_USAGE_REASONING_TOKENS: 2,
        v.GEN_AI_REQUEST_TEMPERATURE: 0.5,
        v.GEN_AI_REQUEST_MAX_TOKENS: 10,
    }
    call = {"id": "call_1", "function": {"name": "t", "arguments": "{}"}}
    assert {
        "input": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
        "output": [{"role": "assistant", "tool_calls": [call]}],
        "tools": [{"name": "t"}],
        "parameters": {"temperature": 0.5, "max_tokens": 10},
    } == span.payload


def test_an_openinference_tool_span_is_a_tool_call() -> None:
    attributes = {"openinference.span.kind": "TOOL", "tool.name": "search", "input.value": "x", "output.value": "y"}
    span = normalised(attributes)
    assert span.attributes[v.GEN_AI_OPERATION_NAME] == v.OPERATION_EXECUTE_TOOL
    assert span.attributes[v.GEN_AI_TOOL_NAME] == "search"
    assert span.payload == {"arguments": "x", "result": "y"}


def test_an_openinference_retriever_is_a_retrieval() -> None:
    span = normalised(
        {
            "openinference.span.kind": "RETRIEVER",
            "input.value": "where?",
            "retrieval.documents.0.document.id": "d1",
            "retrieval.documents.0.document.content": "here",
            "retrieval.documents.0.document.score": 0.5,
        }
    )
    assert span.attributes[v.GEN_AI_OPERATION_NAME] == v.OPERATION_RETRIEVAL
    assert span.payload == {"query": "where?", "documents": [{"id": "d1", "content": "here", "score": 0.5}]}


def test_vectors_of_embeddings_are_left_behind() -> None:
    span = normalised(
        {
            "openinference.span.kind": "EMBEDDING",
            "embedding.model_name": "text-embedding-3-small",
            "embedding.embeddings.0.embedding.text": "hello",
            "embedding.embeddings.0.embedding.vector": (0.1,) * 1536,
        }
    )
    assert span.attributes[v.GEN_AI_OPERATION_NAME] == v.OPERATION_EMBEDDINGS
    assert span.payload["input"] == [{"text": "hello"}]
    assert not [name for name in span.attributes if "vector" in name]


def test_an_openinference_agent_is_an_agent() -> None:
    span = normalised({"openinference.span.kind": "AGENT", "agent.name": "planner"})
    assert span.attributes[v.GEN_AI_OPERATION_NAME] == v.OPERATION_INVOKE_AGENT
    assert span.attributes[v.GEN_AI_AGENT_NAME] == "planner"


def test_tokens_of_a_model_mean_a_chat_when_nothing_else_is_said() -> None:
    span = normalised({"gen_ai.request.model": "m", "gen_ai.usage.prompt_tokens": 1})
    assert span.attributes[v.GEN_AI_OPERATION_NAME] == v.OPERATION_CHAT


def test_more_than_ten_messages_stay_in_order() -> None:
    span = normalised({f"gen_ai.prompt.{index}.content": str(index) for index in reversed(range(12))})
    assert [{"content": str(index)} for index in range(12)] == span.payload["input"]


@pytest.mark.parametrize(
    ("name", "field"),
    [("gen_ai.prompt", "input"), ("gen_ai.completion", "output"), ("gen_ai.content.prompt", "input")],
)
def test_content_in_one_attribute_moves_to_the_payload(name: str, field: str) -> None:
    span = normalised({name: "hello"})
    assert {field: "hello"} == span.payload
    assert span.attributes == {}


# --- events ---


def event(name: str, **attributes: Any) -> SpanEvent:
    return SpanEvent(name, 1, attributes)


def test_messages_on_events_move_to_the_payload() -> None:
    kept = event("exception", message="boom")
    span = normalised(
        {},
        events=[
            event("gen_ai.system.message", content="Be kind."),
            event("gen_ai.user.message", content="hello", **{"gen_ai.system": "openai"}),
            event("gen_ai.assistant.message", tool_calls='[{"id": "1"}]'),
            event("gen_ai.tool.message", **{"gen_ai.event.content": '{"content": "found", "id": "1"}'}),
            kept,
            event("gen_ai.choice", index=0, finish_reason="stop", message='{"content": "hi"}'),
        ],
    )
    assert [kept] == span.events
    assert span.payload == {
        "input": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "hello"},
            {"role": "assistant", "tool_calls": [{"id": "1"}]},
            {"role": "tool", "content": "found", "id": "1"},
        ],
        "output": [{"role": "assistant", "content": "hi", "index": 0, "finish_reason": "stop"}],
    }


def test_a_choice_whose_message_is_text_is_understood() -> None:
    span = normalised({}, events=[event("gen_ai.choice", message="hi")])
    assert span.payload == {"output": [{"role": "assistant", "content": "hi"}]}


def test_text_in_the_body_of_an_event_is_its_content() -> None:
    span = normalised({}, events=[event("gen_ai.user.message", **{"gen_ai.event.content": "hello"})])
    assert span.payload == {"input": MESSAGES}


def test_the_details_event_of_the_conventions_is_read() -> None:
    details = {v.GEN_AI_INPUT_MESSAGES: json.dumps(MESSAGES), v.GEN_AI_SYSTEM_INSTRUCTIONS: "Be kind."}
    span = normalised({}, events=[event("gen_ai.client.inference.operation.details", **details)])
    assert span.payload == {"input": MESSAGES, "system": "Be kind."}
    assert span.events == []


def test_prompt_and_completion_events_are_read() -> None:
    events = [
        event("gen_ai.content.prompt", **{"gen_ai.prompt": json.dumps(MESSAGES)}),
        event("gen_ai.content.completion", **{"gen_ai.completion": "hi"}),
    ]
    assert normalised({}, events=events).payload == {"input": MESSAGES, "output": "hi"}


def test_attributes_win_over_events() -> None:
    events = [event("gen_ai.user.message", content="from the event")]
    assert normalised({v.GEN_AI_INPUT_MESSAGES: json.dumps(MESSAGES)}, events=events).payload["input"] == MESSAGES


# --- anything at all ---

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers(), max_size=3),
    st.sampled_from(["[1,", '{"a": [{}]}', "[[]]", "0", '{"tools": 1}']),
)  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(sorted(RENAMED)),
    st.sampled_from(sorted(v.PAYLOAD_ATTRIBUTES)),
    st.sampled_from(
        [
            "llm.input_messages.0", "llm.input_messages.0.message", "llm.input_messages.0.message.role",
            "gen_ai.prompt.x.content", "gen_ai.prompt..", "gen_ai.prompt.0.0.0", "llm.tools.²", "input.value",
            "openinference.span.kind", "traceloop.span.kind", "traceloop.entity.name", "llm.invocation_parameters",
            "gen_ai.operation.name", "session.id", "tool.parameters",
        ]
    ),
    st.text(),
)  # fmt: skip


@given(st.dictionaries(NAMES, VALUES, max_size=12))
def test_no_attributes_make_it_fail_and_no_payload_stays(attributes: dict[str, Any]) -> None:
    span = normalised(attributes)
    assert span.attributes.keys().isdisjoint(v.PAYLOAD_ATTRIBUTES)


@given(st.dictionaries(NAMES, VALUES, max_size=12))
def test_normalising_twice_changes_nothing_more(attributes: dict[str, Any]) -> None:
    once = normalised(attributes)
    twice = normalised(once.attributes, payload=dict(once.payload))
    assert repr(once.attributes) == repr(twice.attributes)
    assert repr(once.payload) == repr(twice.payload)


@given(
    st.lists(
        st.builds(
            SpanEvent,
            st.sampled_from(["gen_ai.choice", "gen_ai.user.message", "gen_ai.content.prompt", "other"]),
            st.just(1),
            st.dictionaries(st.sampled_from(["content", "message", "gen_ai.prompt", "gen_ai.event.content"]), VALUES),
        ),
        max_size=4,
    )
)
def test_no_events_make_it_fail(events: list[SpanEvent]) -> None:
    assert all(left.name == "other" for left in normalised({}, events=events).events)


def test_all_classes_of_a_usage_that_litellm_tells_as_text_are_read() -> None:
    usage = {"prompt_tokens": 1001, "completion_tokens": 101, "prompt_tokens_details": {"cached_tokens": 200}}
    span = FinishedSpan(name="litellm_request", trace_id="1" * 32, span_id="2" * 16, scope=("litellm", None),
                        attributes={"gen_ai.operation.name": "chat", "metadata.usage_object": str(usage)})  # fmt: skip
    NormaliseStep()(span)
    assert usage == span.payload["usage"]


def test_the_sum_says_whether_the_input_holds_the_cached_tokens() -> None:
    for total, expected in ((1102, 1001), (902, 801)):
        span = FinishedSpan(
            name="chat", trace_id="1" * 32, span_id="2" * 16, scope=("strands.telemetry.tracer", None),
            attributes={"gen_ai.usage.input_tokens": 801, "gen_ai.usage.output_tokens": 101,
                        "gen_ai.usage.cache_read_input_tokens": 200, "gen_ai.usage.total_tokens": total},
        )  # fmt: skip
        NormaliseStep()(span)
        assert expected == span.attributes["gen_ai.usage.input_tokens"]


def test_langchain_names_the_agent_of_a_step_in_its_metadata() -> None:
    metadata = '{"lc_agent_name": "researcher", "langgraph_node": "model"}'
    span = FinishedSpan(name="model", trace_id="1" * 32, span_id="2" * 16, scope=("openinference.x", None),
                        attributes={"openinference.span.kind": "CHAIN", "metadata": metadata})  # fmt: skip
    NormaliseStep()(span)
    assert "researcher" == span.attributes["gen_ai.agent.name"]
