"""Every real answer that carries usage costs what the price data says, computed apart from our code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from genai_prices import Usage, calc_price, extract_usage

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing import PriceBook
from syndarix_obs.pricing.price_step import PriceStep
from syndarix_obs.pricing.token_step import TokensStep
from syndarix_obs.pricing.usage import to_attributes, usage_from
from syndarix_obs.records.finished import FinishedSpan

RECORDINGS = Path(__file__).parents[3] / ".." / "shared" / "data" / "provider_recordings.jsonl"
NOON = datetime(2026, 11, 4, 12, tzinfo=UTC)
FLAVORS = {"/v1/chat/completions": "chat", "/v1/responses": "responses", "/v1/embeddings": "embeddings"}


def answers(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not row["stream"]:
        yield json.loads(row["body"])
        return
    for line in row["body"].splitlines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))


def final_answer(row: dict[str, Any]) -> dict[str, Any] | None:
    """The answer as the provider's client would put it together: model, usage, tier; None without usage."""
    found: dict[str, Any] = {}
    for part in answers(row):
        whole = part.get("response") or part.get("message") or part
        for name in ("model", "service_tier"):
            if whole.get(name):
                found[name] = whole[name]
        if whole.get("usage"):
            found["usage"] = {**found.get("usage", {}), **whole["usage"]}
    return found if "usage" in found else None


def recorded() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    if not RECORDINGS.exists():
        pytest.skip("../shared/data is not there")
    rows = [json.loads(line) for line in RECORDINGS.read_text(encoding="utf-8").splitlines()]
    pairs = [(row, final_answer(row)) for row in rows if row["status"] == 200]
    return [(row, answer) for row, answer in pairs if answer is not None]


def reference(row: dict[str, Any], answer: dict[str, Any]) -> Any:
    flavor = FLAVORS.get(row["endpoint"], "default")
    extracted = extract_usage(answer, provider_id=row["provider"], api_flavor=flavor)
    tier = answer.get("service_tier") or answer["usage"].get("service_tier")
    context = {"service_tier": tier} if tier else None
    return extracted.usage, extracted.calc_price(genai_request_timestamp=NOON, price_context=context)


def test_there_are_enough_recordings_to_mean_something() -> None:
    assert len(recorded()) > 140


def test_tokens_and_price_equal_those_computed_apart_from_our_code() -> None:
    book = PriceBook()
    for row, answer in recorded():
        usage = usage_from(row["provider"], answer["usage"])
        assert usage is not None, row["id"]
        theirs, price = reference(row, answer)
        assert (theirs.input_tokens, theirs.output_tokens) == (usage.input, usage.output), row["id"]
        assert theirs.reported_value("cache_read_tokens") == usage.cache_read, row["id"]
        assert theirs.reported_value("cache_write_tokens") == usage.cache_write, row["id"]
        assert theirs.reported_value("output_reasoning_tokens") == usage.reasoning, row["id"]
        ours = book.price(
            provider=row["provider"], model=answer["model"], usage=usage, at=NOON,
            service_tier=answer.get("service_tier"),
        )  # fmt: skip
        assert ours is not None, row["id"]
        assert price.total_price == ours.total_usd, row["id"]


def span_of(row: dict[str, Any], answer: dict[str, Any]) -> FinishedSpan:
    operation = v.OPERATION_EMBEDDINGS if row["endpoint"] == "/v1/embeddings" else v.OPERATION_CHAT
    return FinishedSpan(
        name="chat", trace_id="1" * 32, span_id="2" * 16, start_ns=int(NOON.timestamp()) * 10**9,
        attributes={
            v.GEN_AI_OPERATION_NAME: operation, v.GEN_AI_PROVIDER_NAME: row["provider"],
            v.GEN_AI_REQUEST_MODEL: row["request"]["model"], v.GEN_AI_RESPONSE_MODEL: answer["model"],
        },
        payload={"usage": answer["usage"]},
    )  # fmt: skip


def test_the_pipeline_prices_a_raw_usage_to_the_same_amount() -> None:
    tokens, price = TokensStep(), PriceStep(PriceBook())
    for row, answer in recorded():
        span = span_of(row, answer)
        if answer.get("service_tier"):
            span.attributes[v.SERVICE_TIER] = answer["service_tier"]
        tokens(span)
        price(span)
        assert reference(row, answer)[1].total_price == span.price.total_usd, row["id"]


# --- the price step ---


def chat(**attributes: Any) -> FinishedSpan:
    known = {v.GEN_AI_OPERATION_NAME: "chat", v.GEN_AI_PROVIDER_NAME: "openai", v.GEN_AI_RESPONSE_MODEL: "gpt-4o"}
    given = {name.replace("__", "."): value for name, value in attributes.items()}
    return FinishedSpan(
        name="chat", trace_id="1" * 32, span_id="2" * 16, start_ns=int(NOON.timestamp()) * 10**9,
        attributes={**known, **given},
    )  # fmt: skip


def price_of(span: FinishedSpan) -> list[tuple[str | None, str | None]]:
    """Provider and model of the call when it has no price."""
    PriceStep(PriceBook())(span)
    if span.attributes.get(v.PRICED) is not False:
        return []
    names = (span.attributes.get(v.GEN_AI_PROVIDER_NAME), span.attributes.get(v.GEN_AI_RESPONSE_MODEL))
    return [(names[0] if isinstance(names[0], str) else None, names[1] if isinstance(names[1], str) else None)]


TOKENS = to_attributes(usage_from(None, {"input_tokens": 1000, "output_tokens": 100}) or pytest.fail("no usage"))


def test_a_priced_call_says_what_it_cost() -> None:
    span = chat(**TOKENS)
    assert [] == price_of(span)
    assert span.attributes[v.PRICED] is True
    assert float(span.price.total_usd) == span.attributes[v.COST_USD]


def test_an_unpriced_call_says_so_and_has_no_cost() -> None:
    span = chat(**TOKENS, **{v.GEN_AI_RESPONSE_MODEL: "my-own", v.GEN_AI_REQUEST_MODEL: "my-alias"})
    assert [("openai", "my-own")] == price_of(span)
    assert span.price is None
    assert span.attributes[v.PRICED] is False
    assert v.COST_USD not in span.attributes


def test_the_requested_model_prices_an_answer_whose_model_nobody_knows() -> None:
    span = chat(**TOKENS, **{v.GEN_AI_RESPONSE_MODEL: "deployment-7", v.GEN_AI_REQUEST_MODEL: "gpt-4o"})
    assert [] == price_of(span)
    assert span.price is not None


@pytest.mark.parametrize("attributes", [{}, {**TOKENS, v.GEN_AI_OPERATION_NAME: "execute_tool"}])
def test_a_span_without_tokens_or_model_is_neither_priced_nor_unpriced(attributes: dict[str, Any]) -> None:
    span = chat(**attributes)
    assert [] == price_of(span)
    assert v.PRICED not in span.attributes


def test_a_batch_tier_costs_the_batch_price() -> None:
    model = {v.GEN_AI_RESPONSE_MODEL: "gpt-5"}
    whole, batch = chat(**TOKENS, **model), chat(**TOKENS, **model, **{v.SERVICE_TIER: "batch"})
    price_of(whole)
    price_of(batch)
    counts = Usage(input_tokens=1000, output_tokens=100)
    context = {"processing": "batch"}
    listed = calc_price(counts, "gpt-5", genai_request_timestamp=NOON, price_context=context, provider_id="openai")
    assert listed.total_price == batch.price.total_usd
    assert batch.price.total_usd < whole.price.total_usd


def test_totals_that_leave_out_their_parts_are_mended_before_anything_counts_them() -> None:
    span = chat(**{**TOKENS, v.GEN_AI_USAGE_CACHE_READ_TOKENS: 5000})
    price_of(span)
    assert span.attributes[v.GEN_AI_USAGE_INPUT_TOKENS] == 6000


def test_a_model_without_a_price_is_named_in_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    step = PriceStep(PriceBook())
    for _ in range(3):
        step(chat(**TOKENS, **{v.GEN_AI_RESPONSE_MODEL: "my-own"}))
    assert len([record for record in caplog.records if "my-own" in record.getMessage()]) == 1


def test_models_and_tiers_that_are_no_text_are_unpriced() -> None:
    span = chat(**TOKENS, **{v.GEN_AI_RESPONSE_MODEL: ["gpt-4o"], v.SERVICE_TIER: 3, v.GEN_AI_PROVIDER_NAME: {}})
    assert [(None, None)] == price_of(span)


# --- the tokens step ---


def test_a_call_without_usage_gets_an_estimate_that_says_so() -> None:
    span = chat()
    span.payload = {"input": "x" * 400, "output": "y" * 40, "system": "z" * 40}
    TokensStep()(span)
    assert (114, 10) == (
        span.attributes[v.GEN_AI_USAGE_INPUT_TOKENS],
        span.attributes[v.GEN_AI_USAGE_OUTPUT_TOKENS],
    )
    assert span.attributes[v.COST_ESTIMATED] is True


def test_without_captured_text_there_is_no_estimate_and_no_silent_zero() -> None:
    span = chat()
    TokensStep()(span)
    assert v.GEN_AI_USAGE_INPUT_TOKENS not in span.attributes


def test_the_tier_in_a_raw_usage_reaches_the_price() -> None:
    span = chat(**{v.GEN_AI_PROVIDER_NAME: "anthropic"})
    span.payload = {"usage": {"input_tokens": 1, "output_tokens": 1, "service_tier": "batch"}}
    TokensStep()(span)
    assert span.attributes[v.SERVICE_TIER] == "batch"
