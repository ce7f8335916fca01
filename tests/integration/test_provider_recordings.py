"""175 real exchanges with OpenAI and Anthropic, played through the real clients: each is one record, counted and priced
as the provider counted it."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from provider_playback import Exchange, exchanges, play, play_async, price, said

from syndarix_obs.testing import Kit, recording

NO_LONGER_TAKEN = {
    "98ed7f51249f": "messages.create() of anthropic 2.12 has no `output_format`; structured output is `output_config`",
}
"""Exchanges whose parameters today's client refuses before it sends anything."""

ALL = exchanges()
pytestmark = [
    pytest.mark.skipif(not ALL, reason="../shared/data/provider_recordings.jsonl is not on this machine"),
    pytest.mark.filterwarnings("ignore:The model .* is deprecated"),  # the clients', about the recorded models
]
PLAYED = [exchange for exchange in ALL if exchange.id not in NO_LONGER_TAKEN]


def by_id(exchange: Exchange) -> str:
    return exchange.id


@pytest.fixture(scope="module", params=["ours", "official"])
def watching(request: pytest.FixtureRequest) -> Iterator[tuple[str, Kit]]:
    """A platform that watches the clients, through our integration or the official instrumentors."""
    if request.param == "official":
        pytest.importorskip("opentelemetry.instrumentation.genai.openai")
    with recording() as kit:
        assert kit.obs.auto_instrument(official=request.param == "official") == ["anthropic", "openai"]
        yield request.param, kit


def new_records(kit: Kit, kind: str, before: int) -> list[Any]:
    return kit.records(kind)[before:]


def check(exchange: Exchange, error: Exception | None, record: Any, ledger: list[Any], how: str) -> None:
    assert "llm_call" == record.kind
    assert exchange.provider == record.provider
    assert exchange.request["model"] == record.request_model
    if exchange.status != 200:
        check_error(exchange, error, record, how)
        return
    assert error is None
    assert "ok" == record.status
    assert exchange.stream == record.stream
    check_content(exchange, record, how)
    found = said(exchange)
    assert found.model == record.model
    assert (not found.usage) == record.estimated
    if found.usage:
        assert found.tokens == (
            record.input_tokens,
            record.output_tokens,
            record.cache_read_tokens,
            record.cache_write_tokens,
            record.reasoning_tokens,
        )
        assert price(exchange, found, record.start_ns) == record.cost_usd
    else:
        assert record.input_tokens > 0
        assert record.output_tokens > 0
    assert [record.cost_usd] == [line.total_cost_usd for line in ledger]
    assert [not found.usage] == [line.estimated for line in ledger]


def check_content(exchange: Exchange, record: Any, how: str) -> None:
    payload = json.loads(record.payload or "{}")
    if exchange.endpoint == "/v1/embeddings":
        assert "output" not in payload
        return
    assert payload["input"]
    assert payload["output"]
    if exchange.stream and how == "ours":
        assert 0 < record.first_token_s <= record.duration_ns / 1e9


def check_error(exchange: Exchange, error: Exception | None, record: Any, how: str) -> None:
    said_error = json.loads(exchange.body)["error"]
    assert error is not None
    assert "error" == record.status
    assert record.error_type
    assert said_error["message"] in record.error_message
    if how == "ours":
        assert said_error["code"] == record.error_type
        assert exchange.status == record.attributes["http.response.status_code"]


@pytest.mark.parametrize("exchange", PLAYED, ids=by_id)
def test_exchange_is_one_record_with_the_providers_own_counts(
    exchange: Exchange, watching: tuple[str, Kit], caplog: pytest.LogCaptureFixture
) -> None:
    how, kit = watching
    calls, lines = len(kit.records("llm_call")), len(kit.records("cost"))
    with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.WARNING):
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", message="The model .* is deprecated")
        error = play(exchange)
        found = new_records(kit, "llm_call", calls)
    assert 1 == len(found)
    check(exchange, error, found[0], new_records(kit, "cost", lines), how)
    assert [] == [str(w.message) for w in warned if "opentelemetry" in w.filename or "syndarix" in w.filename]
    assert [] == [r.getMessage() for r in caplog.records if r.name.startswith("opentelemetry")]


@pytest.mark.parametrize("exchange", PLAYED, ids=by_id)
async def test_exchange_in_an_event_loop_is_the_same_record(
    exchange: Exchange, watching: tuple[str, Kit], caplog: pytest.LogCaptureFixture
) -> None:
    how, kit = watching
    calls, lines = len(kit.records("llm_call")), len(kit.records("cost"))
    with caplog.at_level(logging.WARNING):
        error = await play_async(exchange)
    found = new_records(kit, "llm_call", calls)
    assert 1 == len(found)
    check(exchange, error, found[0], new_records(kit, "cost", lines), how)
    assert [] == [r.getMessage() for r in caplog.records if r.name.startswith("opentelemetry")]


def test_every_recorded_exchange_is_played_or_named() -> None:
    assert 175 == len(ALL)
    assert 175 == len(PLAYED) + len(NO_LONGER_TAKEN)
    assert set() == set(NO_LONGER_TAKEN) - {exchange.id for exchange in ALL}


@pytest.mark.parametrize("exchange", [e for e in ALL if e.id in NO_LONGER_TAKEN], ids=by_id)
def test_named_exchange_is_really_refused_by_todays_client(exchange: Exchange) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        play(exchange)
