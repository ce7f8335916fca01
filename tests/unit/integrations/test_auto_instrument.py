from __future__ import annotations

import logging
import os
import sys
from typing import Any

import httpx
import openai
import pytest
from fake_provider import (
    CHUNKS,
    MESSAGE,
    anthropic_client,
    ask,
    ask_claude,
    chat_body,
    needs_own_spans,
    openai_client,
    sse,
)
from openai._base_client import AsyncAPIClient, SyncAPIClient
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from syndarix_obs import guard
from syndarix_obs.integrations import instrumentors
from syndarix_obs.integrations.endpoints import given
from syndarix_obs.integrations.patching import patch
from syndarix_obs.integrations.provider_names import ProviderNames, provider_at
from syndarix_obs.integrations.sse import decompressed
from syndarix_obs.testing import Kit, recording

pytestmark = pytest.mark.filterwarnings("ignore:The model .* is deprecated")  # the client's, about the model
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


def test_what_was_switched_on_is_returned_and_logged(kit: Kit, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "syndarix_obs"):
        assert ["anthropic", "openai"] == kit.obs.auto_instrument()
    assert "now watching anthropic, openai" in caplog.text


def test_switching_on_twice_records_each_call_once(kit: Kit) -> None:
    kit.obs.auto_instrument()
    assert ["anthropic", "openai"] == kit.obs.auto_instrument()
    ask(openai_client(chat_body()))
    assert 1 == len(kit.records("llm_call"))


def test_switching_off_leaves_the_clients_as_they_were(kit: Kit) -> None:
    before = SyncAPIClient.request, AsyncAPIClient.request, SyncAPIClient._process_response
    kit.obs.auto_instrument()
    kit.obs.auto_uninstrument()
    kit.obs.auto_uninstrument()
    assert before == (SyncAPIClient.request, AsyncAPIClient.request, SyncAPIClient._process_response)
    ask(openai_client(chat_body()))
    assert [] == kit.records("llm_call")


def test_client_that_was_used_before_is_watched_too(kit: Kit) -> None:
    client = openai_client(chat_body())
    ask(client)
    kit.obs.auto_instrument()
    ask(client)
    assert 1 == len(kit.records("llm_call"))


def test_platform_that_is_shut_down_watches_no_longer() -> None:
    before = SyncAPIClient.request
    with recording() as kit:
        kit.obs.auto_instrument()
    assert before is SyncAPIClient.request


def test_a_notebook_cell_that_runs_three_times_records_each_call_once_and_is_told_where_the_first_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with recording() as first, recording() as second, recording() as third:
        first.obs.auto_instrument()
        assert "" == caplog.text
        line = sys._getframe().f_lineno - 2
        for kit in (second, third):
            assert ["anthropic", "openai"] == kit.obs.auto_instrument()
        ask(openai_client(chat_body()))
        assert [1, 0, 0] == [len(kit.records("llm_call")) for kit in (first, second, third)]
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert 2 == len(warnings)
    assert f"since auto_instrument() at {__file__}:{line};" in warnings[0]


def test_a_platform_that_waited_watches_once_the_first_is_shut_down() -> None:
    with recording() as first, recording() as second, recording() as third:
        for kit in (first, second, third):
            kit.obs.auto_instrument()
        first.obs.shutdown()
        ask(openai_client(chat_body()))
        second.obs.auto_uninstrument()
        ask_claude(anthropic_client(MESSAGE))
        assert [0, 1, 1] == [len(kit.records("llm_call")) for kit in (first, second, third)]


def test_a_platform_that_gave_up_waiting_watches_nothing_later() -> None:
    before = SyncAPIClient.request
    with recording() as first, recording() as second:
        first.obs.auto_instrument()
        second.obs.auto_instrument()
        second.obs.auto_uninstrument()
        first.obs.auto_uninstrument()
        assert before is SyncAPIClient.request


def test_official_instrumentors_are_switched_on_by_one_platform_too() -> None:
    with recording(official_instrumentors=True) as first, recording(official_instrumentors=True) as second:
        first.obs.auto_instrument()
        second.obs.auto_instrument()
        ask(openai_client(chat_body()))
        first.obs.shutdown()
        ask(openai_client(chat_body()))
        assert [1, 1] == [len(kit.records("llm_call")) for kit in (first, second)]


def test_wrapper_that_another_library_put_on_top_survives() -> None:
    class Client:
        def request(self) -> str:
            return "answer"

    undo = patch(Client, "request", lambda original: lambda *args: "ours " + original(*args))
    ours = Client.request
    Client.request = lambda self: "theirs " + ours(self)  # type: ignore[method-assign]
    assert "theirs ours answer" == Client().request()
    undo()
    undo()
    assert "theirs answer" == Client().request()


def test_platform_that_is_disabled_switches_nothing_on() -> None:
    with recording(enabled=False) as kit:
        assert [] == kit.obs.auto_instrument()


def test_official_instrumentors_take_over_when_asked_for_and_are_redacted_priced_and_logged() -> None:
    with recording(official_instrumentors=True) as kit:
        kit.obs.auto_instrument()
        ask(openai_client(chat_body("Write to eve@example.com")))
        ask_claude(anthropic_client(MESSAGE))
        first, second = kit.records("llm_call")
    assert "eve@example.com" not in first.payload
    assert "Write to" in first.payload
    assert first.priced
    assert ("anthropic", 15, 4) == (second.provider, second.input_tokens, second.output_tokens)


def test_content_capture_is_set_for_the_instrumentors_and_taken_back(kit: Kit) -> None:
    kit.obs.auto_instrument()
    assert "span_only" == os.environ[CAPTURE]
    kit.obs.auto_uninstrument()
    assert CAPTURE not in os.environ


def test_content_capture_that_the_user_has_set_stays(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CAPTURE, "no_content")
    kit.obs.auto_instrument()
    kit.obs.auto_uninstrument()
    assert "no_content" == os.environ[CAPTURE]


def test_no_content_is_captured_where_the_platform_wants_none() -> None:
    with recording(capture="none") as kit:
        kit.obs.auto_instrument()
        assert CAPTURE not in os.environ


def test_span_of_a_framework_around_the_clients_span_is_not_counted_again(kit: Kit) -> None:
    kit.obs.auto_instrument()
    tracer = kit.obs.tracer_provider.get_tracer("opentelemetry.instrumentation.langchain")
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.provider.name": "openai",
    }
    with tracer.start_as_current_span("chat gpt-4o-mini", attributes=attributes):
        ask(openai_client(chat_body()))
        ask(openai_client(chat_body()))
    assert 2 == len(kit.records("llm_call"))
    assert 2 == len(kit.records("cost"))
    assert ["chat gpt-4o-mini"] == [r.name for r in kit.records("span")]


def test_failure_of_ours_lets_the_call_through() -> None:
    class Broken:
        @property
        def url(self) -> str:
            raise RuntimeError("ours")

    with recording(reraise=False) as kit:
        kit.obs.auto_instrument()
        with pytest.raises(AttributeError, match="headers"):  # what the client itself says to it
            openai_client(chat_body()).request(object, Broken())  # type: ignore[call-overload]
    assert 1 == guard.failures()["integration_begin"]


def test_odd_answer_reaches_the_caller_and_is_still_a_record(kit: Kit) -> None:
    kit.obs.auto_instrument()
    transport = httpx.MockTransport(
        lambda _r: httpx.Response(200, content=b"not json", headers={"content-type": "text/plain"})
    )
    client = openai.OpenAI(api_key="k", http_client=httpx.Client(transport=transport))
    assert "not json" == ask(client)
    assert kit.record("llm_call").estimated


def test_payload_that_the_queue_gave_up_leaves_the_counts() -> None:
    with recording(queue_max_bytes=1_000_000, reraise=False) as kit:
        kit.obs.auto_instrument()
        ask(openai_client(chat_body()), messages=[{"role": "user", "content": "x" * 2_000_000}])
        record = kit.record("llm_call")
    assert (9, 3, None) == (record.input_tokens, record.output_tokens, record.payload)


# --- spans of a provider of the program's own ---


def test_spans_of_an_sdk_provider_take_the_same_way_with_their_correlation(kit: Kit) -> None:
    provider = TracerProvider()
    provider.add_span_processor(kit.obs.span_processor())
    tracer = provider.get_tracer("some.instrumentor")
    with kit.obs.session(agent="support", session_id="s-1"), tracer.start_as_current_span("chat m") as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.request.model", "gpt-4o-mini")
        span.set_attribute("gen_ai.provider.name", "openai")
        span.set_attribute("gen_ai.usage.input_tokens", 9)
        span.set_attribute("gen_ai.usage.output_tokens", 3)
    record = kit.record("llm_call")
    assert ("s-1", "support", 9) == (record.session_id, record.agent, record.input_tokens)
    provider.force_flush()
    provider.shutdown()


@needs_own_spans
def test_clients_own_span_in_an_sdk_provider_does_not_repeat_ours(kit: Kit) -> None:
    provider = TracerProvider()
    provider.add_span_processor(kit.obs.span_processor())
    kit.obs.auto_instrument()
    ask_claude(anthropic_client(MESSAGE).with_options(open_telemetry={"tracer_provider": provider}))
    assert "end_turn" == kit.record("llm_call").finish_reason
    assert "Hello!" in kit.record("llm_call").payload


# --- rate-limit hooks ---


def limited(kit: Kit, **headers: str) -> openai.OpenAI:
    answer = {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "4", **headers}
    transport = httpx.MockTransport(lambda _r: httpx.Response(200, json=chat_body(), headers=answer))
    http = httpx.Client(transport=transport, event_hooks=kit.obs.httpx_hooks())
    return openai.OpenAI(api_key="k", http_client=http)


def gauge(kit: Kit, model: str) -> float | None:
    return kit.metric("llm_rate_limit_remaining_ratio", provider="openai", model=model, limit="requests")


def test_hook_takes_the_model_from_the_header(kit: Kit) -> None:
    ask(limited(kit, **{"openai-model": "gpt-4o"}))
    assert 0.4 == gauge(kit, "gpt-4o")


def test_hook_takes_the_model_from_the_span_around_the_call(kit: Kit) -> None:
    with kit.obs.llm(provider="openai", model="gpt-4.1"):
        ask(limited(kit))
    assert 0.4 == gauge(kit, "gpt-4.1")


def test_hook_leaves_calls_to_auto_instrument_that_it_watches(kit: Kit) -> None:
    kit.obs.auto_instrument()
    ask(limited(kit, **{"openai-model": "header"}))
    assert gauge(kit, "header") is None
    assert 0.4 == gauge(kit, "gpt-4o-mini-2024-07-18")


async def test_async_hook_works_with_a_given_provider(kit: Kit) -> None:
    headers = {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "1", "openai-model": "m"}
    transport = httpx.MockTransport(lambda _r: httpx.Response(200, headers=headers))
    hooks = kit.obs.httpx_async_hooks("mine")
    async with httpx.AsyncClient(transport=transport, event_hooks=hooks) as client:
        await client.get("http://localhost/")
    assert 0.1 == kit.metric("llm_rate_limit_remaining_ratio", provider="mine", model="m", limit="requests")


# --- small parts ---


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.openai.com", "openai"),
        ("acme.openai.azure.com", "azure.ai.openai"),
        ("api.x.ai", "x_ai"),
        ("us-central1-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "aws.bedrock"),
        ("notapi.groq.com.evil.example", "fallback"),
        ("127.0.0.1", "fallback"),
    ],
)
def test_provider_of_a_host(host: str, provider: str) -> None:
    assert provider == provider_at(host, "fallback")


def test_clients_for_clouds_name_their_provider() -> None:
    class AzureOpenAI:
        _base_url = "http://localhost"

    class Vertex:
        _base_url = "http://localhost/2"
        _gen_ai_provider_name = "gcp.vertex_ai"

    names = ProviderNames("anthropic")
    assert ("azure.ai.openai", "gcp.vertex_ai") == (names.of(AzureOpenAI()), names.of(Vertex()))


def test_entry_points_that_do_not_belong_to_genai_are_left_alone() -> None:
    assert {"anthropic", "openai"} <= {point.name for point in instrumentors.installed()}
    assert "requests" not in instrumentors.GENAI_NAMES
    assert "llama_index" == instrumentors.normal("Llama-Index")


def test_instrumentor_that_is_on_already_or_lacks_its_library_is_passed_by() -> None:
    class Instrumentor:
        is_instrumented_by_opentelemetry = False

        def _check_dependency_conflicts(self) -> str:
            return "missing"

    class On(Instrumentor):
        is_instrumented_by_opentelemetry = True

    class Point:
        def __init__(self, found: Any) -> None:
            self.load = lambda: found

    assert instrumentors.switch_on(Point(Instrumentor), None) is None  # type: ignore[arg-type]
    assert instrumentors.switch_on(Point(On), None) is None  # type: ignore[arg-type]


def test_argument_that_was_not_given_is_none() -> None:
    assert given({"model": openai.omit}, "model") is None
    assert "m" == given({"model": "m"}, "model")


def test_compressed_bytes_are_read_as_far_as_they_came() -> None:
    import gzip

    whole = gzip.compress(b"hello " * 100)
    assert b"hello " * 100 == decompressed({"content-encoding": "gzip"}, whole)
    assert b"" == decompressed({"content-encoding": "br"}, b"x")
    assert b"" == decompressed({"content-encoding": "gzip"}, b"not gzip")
    assert b"plain" == decompressed({}, b"plain")


def test_stream_closed_before_it_was_read_is_a_record(kit: Kit) -> None:
    kit.obs.auto_instrument()
    ask(openai_client(sse(CHUNKS)), stream=True).close()
    assert not trace.get_current_span().get_span_context().is_valid
    assert kit.record("llm_call").first_token_s is None
