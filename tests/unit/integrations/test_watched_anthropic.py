from __future__ import annotations

import gc

import anthropic
import pytest
from fake_provider import (
    EVENTS,
    MESSAGE,
    QUESTION,
    anthropic_client,
    ask_claude,
    async_anthropic_client,
    needs_own_spans,
    sse,
)

from syndarix_obs.testing import Kit, recording

STREAM = sse(EVENTS, named=True)
pytestmark = pytest.mark.filterwarnings("ignore:The model .* is deprecated")  # the client's, about the model


def test_message_is_one_record_with_cache_reads_inside_the_input(watched: Kit) -> None:
    ask_claude(anthropic_client(MESSAGE), system="Be brief")
    record = watched.record("llm_call")
    assert ("anthropic", 15, 4, 5, "end_turn", "standard") == (
        record.provider,
        record.input_tokens,
        record.output_tokens,
        record.cache_read_tokens,
        record.finish_reason,
        record.service_tier,
    )
    payload = watched.payload("llm_call")
    assert ("Be brief", QUESTION) == (payload["system"], payload["input"])
    assert [{"role": "assistant", "content": [{"type": "text", "text": "Hello!"}]}] == payload["output"]


@needs_own_spans
def test_clients_own_spans_do_not_count_the_call_twice() -> None:
    with recording() as kit:
        kit.obs.auto_instrument()
        transport_client = anthropic_client(MESSAGE).with_options(
            open_telemetry={"tracer_provider": kit.obs.tracer_provider}
        )
        ask_claude(transport_client)
        assert "Hello!" in kit.record("llm_call").payload


@needs_own_spans
def test_clients_own_spans_count_where_nothing_else_watches() -> None:
    with recording() as kit:
        client = anthropic_client(MESSAGE).with_options(open_telemetry={"tracer_provider": kit.obs.tracer_provider})
        ask_claude(client)
        record = kit.record("llm_call")
    assert ("claude-sonnet-4-5", 15, 4) == (record.request_model, record.input_tokens, record.output_tokens)


def test_overloaded_provider_is_recorded_by_its_own_error_type(watched: Kit) -> None:
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with pytest.raises(anthropic.APIStatusError):
        ask_claude(anthropic_client(body, 529))
    record = watched.record("llm_call")
    assert ("overloaded_error", "Overloaded") == (record.error_type, record.error_message)
    assert 529 == record.attributes["http.response.status_code"]


def test_rate_limit_headers_become_a_gauge(watched: Kit) -> None:
    headers = {"anthropic-ratelimit-input-tokens-limit": "100", "anthropic-ratelimit-input-tokens-remaining": "10"}
    ask_claude(anthropic_client(MESSAGE, headers=headers))
    labels = {"provider": "anthropic", "model": "claude-sonnet-4-5-20250929", "limit": "input_tokens"}
    assert 0.1 == watched.metric("llm_rate_limit_remaining_ratio", **labels)


def test_streamed_message_is_put_together_with_thinking_and_tool_input(watched: Kit) -> None:
    seen = list(ask_claude(anthropic_client(STREAM), stream=True))
    assert len(EVENTS) == len(seen)
    record = watched.record("llm_call")
    assert (10, 21, "tool_use", False) == (
        record.input_tokens,
        record.output_tokens,
        record.finish_reason,
        record.estimated,
    )
    thinking, tool = watched.payload("llm_call")["output"][0]["content"]
    assert "Well" == thinking["thinking"]
    assert ("look", {"q": "x"}) == (tool["name"], tool["input"])


def test_first_content_is_the_first_delta_and_not_the_start_of_the_message() -> None:
    with recording(counting=True) as kit:
        kit.obs.auto_instrument()
        list(ask_claude(anthropic_client(STREAM), stream=True))
        # Start, reader made, message_start, content_block_start, delta, first token: 1 ms each.
        assert 0.005 == kit.record("llm_call").first_token_s


def test_stream_helper_is_recorded_once_and_gives_its_final_message(watched: Kit) -> None:
    client = anthropic_client(STREAM)
    with client.messages.stream(model="claude-sonnet-4-5", max_tokens=9, messages=QUESTION) as stream:  # type: ignore[arg-type]
        assert "tool_use" == stream.get_final_message().stop_reason
    assert 21 == watched.record("llm_call").output_tokens


def test_beta_message_is_recorded(watched: Kit) -> None:
    client = anthropic_client(MESSAGE)
    client.beta.messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=QUESTION)  # type: ignore[arg-type]
    assert "end_turn" == watched.record("llm_call").finish_reason


def test_stream_cut_within_a_tool_call_keeps_the_input_as_text(watched: Kit) -> None:
    stream = ask_claude(anthropic_client(STREAM), stream=True)
    for event in stream:
        if event.type == "content_block_delta" and getattr(event.delta, "partial_json", ""):
            break
    stream.close()
    record = watched.record("llm_call")
    assert "ok" == record.status
    assert '{"q": ' == watched.payload("llm_call")["output"][0]["content"][1]["input"]


def test_dropped_stream_ends_at_once(watched: Kit) -> None:
    stream = ask_claude(anthropic_client(STREAM), stream=True)
    next(iter(stream))
    del stream
    gc.collect()
    assert 1 == len(watched.records("llm_call"))


def test_error_event_in_a_stream_is_recorded(watched: Kit) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with pytest.raises(anthropic.APIStatusError):
        list(ask_claude(anthropic_client(sse([*EVENTS[:3], error], named=True)), stream=True))
    record = watched.record("llm_call")
    assert ("error", "overloaded_error") == (record.status, record.error_type)


async def test_async_helper_stream_is_recorded_once(watched: Kit, caplog: pytest.LogCaptureFixture) -> None:
    client = async_anthropic_client(STREAM)
    async with client.messages.stream(model="claude-sonnet-4-5", max_tokens=9, messages=QUESTION) as stream:  # type: ignore[arg-type]
        assert "tool_use" == (await stream.get_final_message()).stop_reason
    assert 21 == watched.record("llm_call").output_tokens
    assert "detach" not in caplog.text


def test_stream_read_as_bytes_is_understood_on_the_worker(watched: Kit) -> None:
    create = anthropic_client(STREAM).messages.with_streaming_response.create
    with create(model="claude-sonnet-4-5", max_tokens=9, messages=QUESTION, stream=True) as response:  # type: ignore[arg-type]
        list(response.iter_lines())
    record = watched.record("llm_call")
    assert (10, 21, "tool_use") == (record.input_tokens, record.output_tokens, record.finish_reason)
