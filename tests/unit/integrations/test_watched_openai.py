from __future__ import annotations

import asyncio
import gc
import json
from typing import Any

import httpx
import openai
import pytest
from fake_provider import (
    CHUNKS,
    QUESTION,
    USAGE_CHUNK,
    ask,
    async_openai_client,
    chat_body,
    chunk,
    openai_client,
    sse,
)
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from pydantic import BaseModel

from syndarix_obs.testing import Kit, recording


class Greeting(BaseModel):
    word: str


def tool_chunks() -> list[dict[str, Any]]:
    def part(index: int, arguments: str, **more: Any) -> dict[str, Any]:
        name = more.pop("name", None)
        return chunk({"tool_calls": [{"index": index, "function": {"name": name, "arguments": arguments}, **more}]})

    return [
        chunk({"role": "assistant", "content": None}),
        part(0, "", id="a", type="function", name="search"),
        part(0, '{"q": 1}'),
        part(1, "{}", id="b", type="function", name="fetch"),
        chunk({}, "tool_calls"),
    ]


def test_call_is_one_record_with_request_parameters_answer_and_tools(watched: Kit) -> None:
    tools = [{"type": "function", "function": {"name": "search", "parameters": {}}}]
    ask(openai_client(chat_body()), temperature=0.5, max_tokens=7, tools=tools)
    record = watched.record("llm_call")
    assert ("openai", "gpt-4o-mini", "stop", 9, 3) == (
        record.provider,
        record.request_model,
        record.finish_reason,
        record.input_tokens,
        record.output_tokens,
    )
    assert 0.5 == record.attributes["gen_ai.request.temperature"]
    assert 7 == record.attributes["gen_ai.request.max_tokens"]
    payload = watched.payload("llm_call")
    assert QUESTION == payload["input"]
    assert "Hello!" == payload["output"][0]["content"]
    assert "search" == payload["tools"][0]["function"]["name"]


def test_call_belongs_to_the_session_and_span_it_is_made_in(watched: Kit) -> None:
    with watched.obs.session(agent="support", session_id="s-1"), watched.obs.task("greet") as task:
        ask(openai_client(chat_body()))
        assert trace.get_current_span() is task
    record = watched.record("llm_call")
    assert ("s-1", "support", "greet") == (record.session_id, record.agent, record.task_type)
    assert f"{task.span_id:016x}" == record.parent_id


def test_message_list_that_the_agent_goes_on_to_change_is_kept_as_it_was_sent(watched: Kit) -> None:
    messages = [{"role": "user", "content": "first"}]
    ask(openai_client(chat_body()), messages=messages)
    messages.append({"role": "user", "content": "second"})
    assert ["first"] == [m["content"] for m in watched.payload("llm_call")["input"]]


def test_provider_error_keeps_code_message_and_status_and_reaches_the_caller_untouched(watched: Kit) -> None:
    body = {"error": {"message": "Slow down", "type": "requests", "code": "rate_limit_exceeded"}}
    headers = {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "0"}
    with pytest.raises(openai.RateLimitError) as caught:
        ask(openai_client(body, 429, headers))
    assert 429 == caught.value.status_code
    record = watched.record("llm_call")
    assert ("error", "rate_limit_exceeded", "Slow down") == (record.status, record.error_type, record.error_message)
    assert 429 == record.attributes["http.response.status_code"]
    labels = {"provider": "openai", "model": "gpt-4o-mini", "limit": "requests"}
    assert 0.0 == watched.metric("llm_rate_limit_remaining_ratio", **labels)


def test_connection_error_is_recorded_by_its_class(watched: Kit) -> None:
    with pytest.raises(openai.APIConnectionError):
        ask(openai_client(httpx.ConnectError("no route")))
    assert "openai.APIConnectionError" == watched.record("llm_call").error_type


def test_rate_limits_of_a_plain_answer_become_a_gauge(watched: Kit) -> None:
    ask(openai_client(chat_body(), headers={"x-ratelimit-limit-tokens": "200", "x-ratelimit-remaining-tokens": "50"}))
    labels = {"provider": "openai", "model": "gpt-4o-mini-2024-07-18", "limit": "tokens"}
    assert 0.25 == watched.metric("llm_rate_limit_remaining_ratio", **labels)


def test_parsed_answer_that_was_cut_is_an_error_that_still_counts_its_tokens(watched: Kit) -> None:
    body = chat_body('{"wo')
    body["choices"][0]["finish_reason"] = "length"
    with pytest.raises(openai.LengthFinishReasonError):
        openai_client(body).chat.completions.parse(model="gpt-4o-mini", messages=QUESTION, response_format=Greeting)  # type: ignore[arg-type]
    record = watched.record("llm_call")
    assert ("error", 9, 3) == (record.status, record.input_tokens, record.output_tokens)
    assert 1 == len(watched.records("cost"))


def test_structured_answer_is_parsed_for_the_caller_and_recorded_once(watched: Kit) -> None:
    client = openai_client(chat_body('{"word": "hi"}'))
    found = client.chat.completions.parse(model="gpt-4o-mini", messages=QUESTION, response_format=Greeting)  # type: ignore[arg-type]
    assert Greeting(word="hi") == found.choices[0].message.parsed
    assert '{"word": "hi"}' == watched.payload("llm_call")["output"][0]["content"]


def test_stream_gives_every_chunk_and_times_the_first_one_with_content() -> None:
    with recording(counting=True) as kit:
        kit.obs.auto_instrument()
        seen = list(ask(openai_client(sse(CHUNKS)), stream=True))
        record = kit.record("llm_call")
    assert 4 == len(seen)
    assert "Hello!" == json.loads(record.payload)["output"][0]["content"]
    # Readings of the stepping clock, 1 ms each: start, reader made, framing chunk, content chunk, first token.
    assert 0.004 == record.first_token_s
    assert record.estimated


def test_stream_is_not_the_current_span_while_it_is_read(watched: Kit) -> None:
    stream = ask(openai_client(sse(CHUNKS)), stream=True)
    assert not trace.get_current_span().get_span_context().is_valid
    list(stream)
    assert not trace.get_current_span().get_span_context().is_valid


def test_streamed_tool_calls_are_put_together(watched: Kit) -> None:
    list(ask(openai_client(sse(tool_chunks())), stream=True))
    record = watched.record("llm_call")
    message = watched.payload("llm_call")["output"][0]
    assert "tool_calls" == record.finish_reason
    assert record.first_token_s is not None
    assert [("a", "search", '{"q": 1}'), ("b", "fetch", "{}")] == [
        (c["id"], c["function"]["name"], c["function"]["arguments"]) for c in message["tool_calls"]
    ]


def test_stream_that_is_closed_early_ends_once_with_what_arrived(watched: Kit) -> None:
    with ask(openai_client(sse(CHUNKS)), stream=True) as stream:
        next(stream)
        next(stream)
    stream.close()
    assert "Hel" == watched.payload("llm_call")["output"][0]["content"]


def test_stream_that_is_dropped_ends_when_it_is_collected(watched: Kit) -> None:
    stream = ask(openai_client(sse(CHUNKS)), stream=True)
    next(stream)
    next(stream)
    del stream
    gc.collect()
    assert "ok" == watched.record("llm_call").status


def test_error_in_the_middle_of_a_stream_is_recorded_with_what_arrived(watched: Kit) -> None:
    broken = [*CHUNKS[:2], {"error": {"message": "The server had an error", "type": "server_error", "code": "oops"}}]
    with pytest.raises(openai.APIError):
        list(ask(openai_client(sse(broken)), stream=True))
    record = watched.record("llm_call")
    assert ("error", "oops", True) == (record.status, record.error_type, record.estimated)
    assert record.output_tokens > 0
    assert "Hel" == watched.payload("llm_call")["output"][0]["content"]


def test_stream_helper_is_recorded_once(watched: Kit) -> None:
    with openai_client(sse(CHUNKS)).chat.completions.stream(model="gpt-4o-mini", messages=QUESTION) as stream:  # type: ignore[arg-type]
        assert "Hello!" == stream.get_final_completion().choices[0].message.content
    assert "Hello!" == watched.payload("llm_call")["output"][0]["content"]


def test_stream_helper_left_early_ends_with_the_block(watched: Kit) -> None:
    with openai_client(sse(CHUNKS)).chat.completions.stream(model="gpt-4o-mini", messages=QUESTION) as stream:  # type: ignore[arg-type]
        next(iter(stream))
    assert 1 == len(watched.records("llm_call"))


def test_usage_is_asked_for_only_when_wanted_and_its_chunk_is_kept_from_the_caller() -> None:
    sent: list[Any] = []
    with recording(request_usage=True) as kit:
        kit.obs.auto_instrument()
        seen = list(ask(openai_client(sse([*CHUNKS, USAGE_CHUNK]), sent=sent), stream=True))
        record = kit.record("llm_call")
    assert {"include_usage": True} == json.loads(sent[0].content)["stream_options"]
    assert all(c.choices for c in seen)
    assert (9, 3, False) == (record.input_tokens, record.output_tokens, record.estimated)


def test_usage_chunk_reaches_a_caller_who_asked_for_it_himself() -> None:
    options = {"include_usage": True}
    with recording(request_usage=True) as kit:
        kit.obs.auto_instrument()
        client = openai_client(sse([*CHUNKS, USAGE_CHUNK]))
        seen = list(ask(client, stream=True, stream_options=options))
    assert [] == seen[-1].choices
    assert {"include_usage": True} == options


def test_raw_response_is_recorded_once_and_still_parses(watched: Kit) -> None:
    raw = openai_client(chat_body()).chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=QUESTION)  # type: ignore[arg-type]
    assert "Hello!" == raw.parse().choices[0].message.content
    record = watched.record("llm_call")
    assert (9, 3, "stop") == (record.input_tokens, record.output_tokens, record.finish_reason)


def test_response_read_as_bytes_is_understood_on_the_worker(watched: Kit) -> None:
    create = openai_client(sse([*CHUNKS, USAGE_CHUNK])).chat.completions.with_streaming_response.create
    with create(model="gpt-4o-mini", messages=QUESTION, stream=True) as response:  # type: ignore[arg-type]
        lines = list(response.iter_lines())
    assert any("Hel" in line for line in lines)
    record = watched.record("llm_call")
    assert (9, 3, True, False) == (record.input_tokens, record.output_tokens, record.stream, record.estimated)
    assert "Hello!" == watched.payload("llm_call")["output"][0]["content"]


def test_response_that_nobody_reads_ends_with_its_block(watched: Kit) -> None:
    create = openai_client(sse(CHUNKS)).chat.completions.with_streaming_response.create
    with create(model="gpt-4o-mini", messages=QUESTION, stream=True):  # type: ignore[arg-type]
        pass
    assert watched.record("llm_call").estimated


async def test_async_call_and_stream_are_recorded_alike(watched: Kit) -> None:
    await async_openai_client(chat_body()).chat.completions.create(model="gpt-4o-mini", messages=QUESTION)  # type: ignore[call-overload]
    client = async_openai_client(sse(CHUNKS))
    stream = await client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION, stream=True)  # type: ignore[call-overload]
    assert 4 == len([c async for c in stream])
    first, second = watched.records("llm_call")
    assert (False, True) == (first.stream, second.stream)


async def test_async_stream_closed_early_ends_once_without_a_warning(
    watched: Kit, caplog: pytest.LogCaptureFixture
) -> None:
    client = async_openai_client(sse(CHUNKS))
    stream = await client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION, stream=True)  # type: ignore[call-overload]
    async for _chunk in stream:
        break
    await stream.close()
    assert 1 == len(watched.records("llm_call"))
    assert "detach" not in caplog.text


async def test_async_raw_stream_of_bytes_is_recorded_once(watched: Kit) -> None:
    create = async_openai_client(sse(CHUNKS)).chat.completions.with_streaming_response.create
    async with create(model="gpt-4o-mini", messages=QUESTION, stream=True) as response:  # type: ignore[call-overload]
        assert [line async for line in response.iter_lines()]
    assert "Hello!" == watched.payload("llm_call")["output"][0]["content"]


async def test_async_provider_error_is_recorded(watched: Kit) -> None:
    client = async_openai_client({"error": {"message": "no", "code": "bad"}}, 400)
    with pytest.raises(openai.BadRequestError):
        await client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)  # type: ignore[call-overload]
    assert "bad" == watched.record("llm_call").error_type


async def test_async_error_in_the_middle_of_a_stream_is_recorded(watched: Kit) -> None:
    client = async_openai_client(sse([CHUNKS[0], {"error": {"message": "no", "code": "oops"}}]))
    stream = await client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION, stream=True)  # type: ignore[call-overload]
    with pytest.raises(openai.APIError):
        _ = [c async for c in stream]
    assert "oops" == watched.record("llm_call").error_type


def test_suppressed_instrumentation_records_nothing(watched: Kit) -> None:
    with suppress_instrumentation():
        ask(openai_client(chat_body()))
    assert [] == watched.records("llm_call")


def test_endpoint_that_calls_no_model_is_left_alone(watched: Kit) -> None:
    openai_client({"object": "list", "data": []}).models.list()
    assert [] == watched.records("llm_call")


def test_text_completion_is_recorded_plain_and_streamed(watched: Kit) -> None:
    def body(text: str, finish: str | None) -> dict[str, Any]:
        choices = [{"index": 0, "text": text, "finish_reason": finish}]
        return {
            "id": "c",
            "object": "text_completion",
            "created": 1,
            "model": "gpt-3.5-turbo-instruct",
            "choices": choices,
        }

    openai_client(body("whole", "stop")).completions.create(model="gpt-3.5-turbo-instruct", prompt="Say")
    list(openai_client(sse([body("by ", None), body("bits", "stop")])).completions.create(
        model="gpt-3.5-turbo-instruct", prompt="Say", stream=True
    ))  # fmt: skip
    records = watched.records("llm_call")
    assert ["whole", "by bits"] == [json.loads(r.payload)["output"][0]["content"] for r in records]
    assert ["stop", "stop"] == [r.finish_reason for r in records]
    assert "text_completion" == records[0].operation


def test_failed_response_that_raises_nothing_is_an_error(watched: Kit) -> None:
    body = {
        "id": "r", "object": "response", "created_at": 1, "model": "gpt-4o", "status": "failed", "output": [],
        "error": {"code": "server_error", "message": "It broke"},
    }  # fmt: skip
    openai_client(body).responses.create(model="gpt-4o", input="Hi")
    record = watched.record("llm_call")
    assert ("error", "server_error", "It broke") == (record.status, record.error_type, record.error_message)


def test_response_stream_that_is_cut_keeps_what_arrived(watched: Kit) -> None:
    response = {
        "id": "r",
        "object": "response",
        "created_at": 1,
        "model": "gpt-4o",
        "status": "in_progress",
        "output": [],
    }
    events = [
        {"type": "response.created", "sequence_number": 0, "response": response},
        {"type": "response.output_text.delta", "sequence_number": 1, "delta": "Hel", "item_id": "i",
         "output_index": 0, "content_index": 0, "logprobs": []},
        {"type": "response.output_text.delta", "sequence_number": 2, "delta": "lo", "item_id": "i",
         "output_index": 0, "content_index": 0, "logprobs": []},
    ]  # fmt: skip
    list(openai_client(sse(events)).responses.create(model="gpt-4o", input="Hi", stream=True))
    record = watched.record("llm_call")
    assert record.estimated
    assert record.first_token_s is not None
    assert "Hello" == watched.payload("llm_call")["output"][0]["content"]


def test_incomplete_response_says_why(watched: Kit) -> None:
    body = {
        "id": "r", "object": "response", "created_at": 1, "model": "gpt-4o", "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"}, "output": [],
    }  # fmt: skip
    openai_client(body).responses.create(model="gpt-4o", input="Hi")
    assert "max_output_tokens" == watched.record("llm_call").finish_reason


def test_provider_is_told_from_the_base_url(watched: Kit) -> None:
    ask(openai_client(chat_body(model="deepseek-chat"), base_url="https://api.deepseek.com/v1"), model="deepseek-chat")
    assert "deepseek" == watched.record("llm_call").provider


def responses_events() -> list[dict[str, Any]]:
    response = {"id": "r", "object": "response", "created_at": 1, "model": "gpt-4o", "output": []}
    call = {
        "id": "f",
        "type": "function_call",
        "call_id": "c",
        "name": "search",
        "arguments": "{}",
        "status": "completed",
    }
    return [
        {"type": "response.created", "sequence_number": 0, "response": {**response, "status": "in_progress"}},
        {"type": "response.output_item.done", "sequence_number": 1, "output_index": 0, "item": call},
        {"type": "error", "sequence_number": 2, "code": "server_error", "message": "It broke", "param": None},
    ]


def test_error_event_of_a_response_stream_makes_the_call_an_error(watched: Kit) -> None:
    list(openai_client(sse(responses_events())).responses.create(model="gpt-4o", input="Hi", stream=True))
    record = watched.record("llm_call")
    assert ("error", "server_error", "It broke") == (record.status, record.error_type, record.error_message)
    assert "search" == watched.payload("llm_call")["output"][0]["name"]


def test_response_that_calls_a_tool_says_so(watched: Kit) -> None:
    created, done, _error = responses_events()
    body = {**created["response"], "status": "completed", "output": [done["item"]]}
    openai_client(body).responses.create(model="gpt-4o", input="Hi")
    assert "tool_calls" == watched.record("llm_call").finish_reason


def test_chunks_of_compatible_providers_are_understood(watched: Kit) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    chunks = [
        chunk(None, id="", model="", prompt_filter_results=[]),
        chunk({"role": "assistant", "reasoning_content": "Hmm"}),
        chunk({"function_call": {"name": "look", "arguments": "{}"}}),
        chunk({}, "stop", x_groq={"id": "x"}),
        chunk(None, usage=usage),
    ]
    list(ask(openai_client(sse(chunks)), stream=True))
    record = watched.record("llm_call")
    message = watched.payload("llm_call")["output"][0]
    assert (5, 2, "gpt-4o-mini-2024-07-18") == (record.input_tokens, record.output_tokens, record.model)
    assert ("Hmm", "look") == (message["reasoning_content"], message["function_call"]["name"])


def test_answers_of_a_vector_call_are_counted_and_not_kept(watched: Kit) -> None:
    data = [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}]
    body = {
        "object": "list",
        "model": "text-embedding-3-small",
        "data": data,
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }
    openai_client(body).embeddings.create(model="text-embedding-3-small", input="hi", encoding_format="float")
    record = watched.record("llm_call")
    assert ("embeddings", 4, 0) == (record.operation, record.input_tokens, record.output_tokens)
    payload = watched.payload("llm_call")
    assert {"input", "parameters", "response", "hashes"} == set(payload)
    assert {"count": 1, "dimensions": 2} == payload["response"]["vectors"]


async def test_cancelled_call_is_an_error_and_the_cancellation_passes(watched: Kit) -> None:
    client = async_openai_client(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)  # type: ignore[call-overload]
    assert "asyncio.exceptions.CancelledError" == watched.record("llm_call").error_type
