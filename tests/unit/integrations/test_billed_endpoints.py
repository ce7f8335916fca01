"""Every billed way of a call leaves one record: what it costs stands here as arithmetic."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from fake_provider import QUESTION, anthropic_client, chat_body, openai_client, sse

from syndarix_obs.testing import Kit

MILLION = 1_000_000


def dollars(kit: Kit) -> Decimal:
    """The sum of the ledger."""
    return sum((line.total_cost_usd or Decimal(0) for line in kit.records("cost")), Decimal(0))


def client(answer: Callable[[Any], Any], **options: Any) -> openai.OpenAI:
    """An OpenAI client whose provider is a function of the request."""

    def handle(request: Any) -> Any:
        got = answer(request)
        return got if isinstance(got, httpx2.Response) else httpx2.Response(200, json=got)

    http = httpx2.Client(transport=httpx2.MockTransport(handle))
    return openai.OpenAI(api_key="k", max_retries=0, http_client=http, **options)


def response(usage: dict[str, Any] | None, status: str = "completed", **more: Any) -> dict[str, Any]:
    """A body of the responses API."""
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "gpt-5-2025-08-07",
        "output": [], "usage": usage, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], **more,
    }  # fmt: skip


USAGE = {
    "input_tokens": 1000, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2000,
    "output_tokens_details": {"reasoning_tokens": 1500}, "total_tokens": 3000,
}  # fmt: skip
GPT_5 = (1000 * Decimal("1.25") + 2000 * 10) / MILLION


def test_a_background_response_counts_once_when_it_is_fetched(watched: Kit) -> None:
    states = iter([response(None, "queued", background=True), response(None, "in_progress", background=True),
                   response(USAGE, background=True), response(USAGE, background=True)])  # fmt: skip
    asking = client(lambda _request: next(states))
    made = asking.responses.create(model="gpt-5", input="Write", background=True)
    for _ in range(3):
        asking.responses.retrieve(made.id)
    assert (GPT_5, 1) == (dollars(watched), len(watched.records("llm_call")))


def test_a_response_that_was_counted_when_it_was_made_is_not_counted_when_it_is_looked_at(watched: Kit) -> None:
    asking = client(lambda _request: response(USAGE, background=False))
    made = asking.responses.create(model="gpt-5", input="Write")
    asking.responses.retrieve(made.id)
    assert GPT_5 == dollars(watched)


def test_a_compaction_is_billed(watched: Kit) -> None:
    body = {"id": "cmp_1", "object": "response.compaction", "created_at": 1, "output": [], "usage": USAGE}
    client(lambda _request: body).responses.compact(model="gpt-5", input="Long")
    assert GPT_5 == dollars(watched)


def test_pictures_cost_their_tokens(watched: Kit) -> None:
    usage = {
        "input_tokens": 150, "input_tokens_details": {"text_tokens": 50, "image_tokens": 100}, "output_tokens": 4000,
        "total_tokens": 4150,
    }  # fmt: skip
    asking = client(lambda _request: {"created": 1, "data": [{"b64_json": "AAAA"}], "usage": usage})
    asking.images.generate(model="gpt-image-1", prompt="A cat")
    assert (50 * Decimal(5) + 100 * Decimal(10) + 4000 * Decimal(40)) / MILLION == dollars(watched)


def test_a_picture_without_usage_is_unpriced_and_not_free(watched: Kit) -> None:
    asking = client(lambda _request: {"created": 1, "data": [{"url": "https://x"}]})
    asking.images.generate(model="dall-e-3", prompt="A cat")
    line = watched.record("cost")
    assert (False, None, 0) == (line.priced, line.total_cost_usd, line.tokens_total)


def test_speech_costs_its_characters(watched: Kit) -> None:
    asking = client(lambda _request: httpx2.Response(200, content=b"\0" * 9, headers={"content-type": "audio/mpeg"}))
    assert b"\0" * 9 == asking.audio.speech.create(model="tts-1", voice="alloy", input="Hello there").content
    assert 11 * Decimal(15) / MILLION == dollars(watched)


def test_a_transcript_costs_the_seconds_or_the_tokens_of_its_audio(watched: Kit) -> None:
    answers = iter([
        {"text": "Hi", "usage": {"type": "duration", "seconds": 90}},
        {"text": "Hi", "usage": {"type": "tokens", "input_tokens": 100, "output_tokens": 20, "total_tokens": 120,
                                 "input_token_details": {"audio_tokens": 90, "text_tokens": 10}}},
    ])  # fmt: skip
    asking = client(lambda _request: next(answers))
    asking.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"x"))
    asking.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.wav", b"x"))
    by_time = 90 * Decimal("0.36") / 3600
    by_token = (10 * Decimal("2.5") + 90 * Decimal(6) + 20 * Decimal(10)) / MILLION
    assert [by_time, by_token] == [line.total_cost_usd for line in watched.records("cost")]


def test_moderation_is_free_and_priced(watched: Kit) -> None:
    body = {"id": "m", "model": "omni-moderation-latest", "results": []}
    client(lambda _request: body).moderations.create(model="omni-moderation-latest", input="Hi")
    line = watched.record("cost")
    assert (True, Decimal(0)) == (line.priced, line.total_cost_usd)


def test_a_batch_of_openai_costs_half_of_each_answer_however_often_its_file_is_read(watched: Kit) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    answer = {"body": chat_body(usage=usage)}
    lines = [{"id": f"batch_req_{n}", "custom_id": str(n), "response": answer} for n in (1, 2)]
    content = "\n".join(json.dumps(line) for line in lines).encode()
    asking = client(lambda _request: httpx2.Response(200, content=content))
    for _ in range(2):
        assert content == asking.files.content("file-1").content
    each = (1000 * Decimal("0.15") + 100 * Decimal("0.6")) / MILLION / 2
    assert (2 * each, 2200) == (dollars(watched), sum(line.tokens_total for line in watched.records("cost")))


def test_another_file_is_no_call(watched: Kit) -> None:
    asking = client(lambda _request: httpx2.Response(200, content=b"%PDF"))
    asking.files.content("file-1")
    assert [] == watched.records()


def test_a_batch_of_anthropic_costs_half_of_each_answer(watched: Kit) -> None:
    message = {"model": "claude-sonnet-4-5-20250929", "usage": {"input_tokens": 1000, "output_tokens": 100}}
    lines = [{"custom_id": str(n), "result": {"type": "succeeded", "message": message}} for n in range(3)]
    lines.append({"custom_id": "e", "result": {"type": "errored", "error": {}}})
    content = "\n".join(json.dumps(line) for line in lines).encode() + b"\n"
    url = "https://api.anthropic.com/v1/messages/batches/b1/results"
    batch = {"id": "b1", "type": "message_batch", "processing_status": "ended", "results_url": url}

    def handle(request: Any) -> Any:
        results = "results" in str(request.url)
        return httpx2.Response(200, content=content) if results else httpx2.Response(200, json=batch)

    http = httpx2.Client(transport=httpx2.MockTransport(handle))
    asking = anthropic.Anthropic(api_key="k", http_client=http)
    assert 4 == len(list(asking.messages.batches.results("b1")))
    each = (1000 * Decimal(3) + 100 * Decimal(15)) / MILLION / 2
    assert 3 * each == dollars(watched)


def test_hosted_tools_cost_their_fee_on_top_of_the_tokens(watched: Kit) -> None:
    output = [
        {"id": "w1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"id": "w2", "type": "web_search_call", "status": "completed", "action": {"type": "open_page", "url": "u"}},
        {"id": "f1", "type": "file_search_call", "status": "completed", "queries": ["a"]},
        {"id": "c1", "type": "code_interpreter_call", "status": "completed", "container_id": "k", "code": "1"},
        {"id": "c2", "type": "code_interpreter_call", "status": "completed", "container_id": "k", "code": "2"},
    ]
    client(lambda _request: response(USAGE, output=output)).responses.create(model="gpt-5", input="Find")
    assert GPT_5 + Decimal("0.01") + Decimal("0.0025") + Decimal("0.03") == dollars(watched)


def test_each_pass_of_an_answer_is_priced_by_its_own_size(watched: Kit) -> None:
    passes = [{"type": "compaction", "input_tokens": 150_000, "output_tokens": 1000},
              {"type": "message", "input_tokens": 100_000, "output_tokens": 500}]  # fmt: skip
    body = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 100_000, "output_tokens": 500, "iterations": passes},
    }  # fmt: skip
    anthropic_client(body).messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=QUESTION)
    assert (250_000 * Decimal(3) + 1500 * Decimal(15)) / MILLION == dollars(watched)  # 6 and 22.50 above 200,000


def test_a_call_kept_in_a_region_costs_the_factor(watched: Kit) -> None:
    body = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-6",
        "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 1000, "output_tokens": 100, "inference_geo": "us"},
    }  # fmt: skip
    anthropic_client(body).messages.create(model="claude-opus-4-6", max_tokens=9, messages=QUESTION)
    assert (1000 * Decimal(5) + 100 * Decimal(25)) / MILLION * Decimal("1.1") == dollars(watched)


def test_what_openrouter_says_that_it_cost_is_what_it_cost(watched: Kit) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "cost": 0.00123}
    asking = client(lambda _request: chat_body(model="anthropic/claude-sonnet-4.5", usage=usage),
                    base_url="https://openrouter.ai/api/v1")  # fmt: skip
    asking.chat.completions.create(model="anthropic/claude-sonnet-4.5", messages=QUESTION)
    assert Decimal("0.00123") == dollars(watched)


@pytest.mark.parametrize(
    ("model", "provider", "rates"),
    [
        ("claude-sonnet-4-5-20250929", "anthropic", (3, 15)),
        ("gemini/gemini-2.5-flash", "gcp.gemini", ("0.3", "2.5")),
        ("models/gemini-2.5-flash", "gcp.gemini", ("0.3", "2.5")),
        ("openai/gpt-4o-mini", "openai", ("0.15", "0.6")),
        ("llama3.1:8b", "unknown", None),
        ("gpt-oss-20b", "unknown", None),
        ("deepseek-r1", "unknown", None),
    ],
)
def test_at_a_gateway_the_model_says_who_is_paid(watched: Kit, model: str, provider: str, rates: Any) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    asking = client(lambda _request: chat_body(model=model, usage=usage), base_url="http://gateway.internal:4000/v1")
    asking.chat.completions.create(model=model, messages=QUESTION)
    line = watched.record("cost")
    cost = None if rates is None else (1000 * Decimal(rates[0]) + 100 * Decimal(rates[1])) / MILLION
    assert (provider, cost) == (line.provider, line.total_cost_usd)


def test_the_usage_in_the_last_choice_of_a_stream_counts(watched: Kit) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "cached_tokens": 600}
    last = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": usage}
    events = [{"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini", "choices": [choice]}
              for choice in ({"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}, last)]  # fmt: skip
    list(openai_client(sse(events)).chat.completions.create(model="gpt-4o-mini", messages=QUESTION, stream=True))
    line = watched.record("cost")
    assert (400, 600, 100, False) == (line.tokens_input, line.tokens_cache_read, line.tokens_output, line.estimated)
