"""Prices equal those of the price data, for every model it lists and every way a call can be described."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage, calc_price, data_snapshot
from genai_prices.data import providers

from syndarix_obs.pricing import Price, PriceBook
from syndarix_obs.pricing.usage import TokenUsage

NOON = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)
CONTEXTS: tuple[tuple[str | None, bool, dict[str, str]], ...] = (
    (None, False, {}),
    ("default", False, {"service_tier": "default"}),
    ("flex", False, {"service_tier": "flex"}),
    ("priority", False, {"service_tier": "priority"}),
    (None, True, {"processing": "batch"}),
)
SIZES = (
    TokenUsage(1000, 200),
    TokenUsage(300_000, 9_000, 120_000, 40_000, 5_000),
    TokenUsage(200_000, 1, 7, 11, 1),
)


def reference(provider: str | None, model: str, usage: TokenUsage, at: datetime, context: dict[str, str]) -> Any:
    """What the price data itself says."""
    counts = Usage(
        input_tokens=usage.input,
        output_tokens=usage.output,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        output_reasoning_tokens=usage.reasoning,
        **usage.other,
    )
    return calc_price(counts, model, provider_id=provider, genai_request_timestamp=at, price_context=context or None)


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return PriceBook()


def priced(book: PriceBook, provider: str | None, model: str | None, **more: Any) -> Price:
    price = book.price(**{"provider": provider, "model": model, "usage": SIZES[0], "at": NOON, **more})
    assert price is not None
    return price


@pytest.mark.parametrize("provider", [provider.id for provider in providers])
def test_every_listed_model_costs_what_the_price_data_says(book: PriceBook, provider: str) -> None:
    draw = random.Random(provider)
    listed = next(p for p in providers if p.id == provider)
    for model in listed.models:
        for call in CONTEXTS:
            at = NOON + timedelta(days=draw.randrange(-700, 200), minutes=draw.randrange(1440))
            agree(book, provider, model.id, draw.choice(SIZES), at, call)


def agree(
    book: PriceBook, provider: str, model: str, usage: TokenUsage, at: datetime, call: tuple[Any, bool, dict[str, str]]
) -> None:
    tier, batch, context = call
    ours = book.price(provider=provider, model=model, usage=usage, at=at, service_tier=tier, batch=batch)
    try:
        theirs = reference(provider, model, usage, at, context)
    except LookupError:  # a few ids of the price data do not match themselves
        assert ours is None
        return
    if ours is None:  # priced by the hour or page: tokens alone tell nothing
        assert Decimal(0) == theirs.total_price
        assert theirs.model_price.input_mtok is None
        return
    total = theirs.total_price
    if batch and provider in ("openai", "anthropic") and total == reference(provider, model, usage, at, {}).total_price:
        total /= 2  # the list knows no batches of this model; the provider bills half for all of them
    assert total == ours.total_usd, (model, usage, at, call)
    assert total == sum(ours.amounts.values(), Decimal(0))


def test_the_amounts_are_split_by_disjoint_classes(book: PriceBook) -> None:
    price = priced(book, "anthropic", "claude-sonnet-4-5", usage=TokenUsage(10_000, 500, 6_000, 1_000))
    expected = {
        "cache_read": Decimal("0.0018"),
        "cache_write": Decimal("0.00375"),
        "input": Decimal("0.009"),
        "output": Decimal("0.0075"),
    }
    assert expected == price.amounts
    assert Decimal("0.02205") == price.total_usd
    assert Decimal("0.000003") == price.cost_per_input_token
    assert Decimal("0.000015") == price.cost_per_output_token


def test_a_long_prompt_takes_the_higher_step_for_all_its_tokens(book: PriceBook) -> None:
    below = priced(book, "anthropic", "claude-sonnet-4-5", usage=TokenUsage(200_000, 0))
    above = priced(book, "anthropic", "claude-sonnet-4-5", usage=TokenUsage(200_001, 0))
    assert Decimal("0.6") == below.total_usd
    assert Decimal("1.200006") == above.total_usd


@pytest.mark.parametrize(
    ("provider", "model", "reference_provider"),
    [
        ("azure.ai.openai", "gpt-4o", "azure"),
        ("aws.bedrock", "anthropic.claude-3-5-sonnet-20241022-v2:0", "aws"),
        ("gcp.vertex_ai", "gemini-2.5-pro", "google"),
        ("gcp.gemini", "gemini-2.5-flash", "google"),
        ("mistral_ai", "mistral-large-latest", "mistral"),
        ("x_ai", "grok-4", "x-ai"),
        ("OpenAI", "gpt-4o-mini-2024-07-18", "openai"),
        (None, "gpt-4o-mini-2024-07-18", "openai"),
        ("unknown", "claude-sonnet-4-5-20250929", "anthropic"),
        ("strands-agents", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws"),
        ("nobody-knows", "gpt-4o", "openai"),
    ],
)
def test_names_of_the_genai_conventions_find_their_prices(
    book: PriceBook, provider: str | None, model: str, reference_provider: str
) -> None:
    theirs = reference(reference_provider, model, SIZES[0], NOON, {})
    assert theirs.total_price == priced(book, provider, model).total_usd


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_a_price_by_time_of_day_is_taken_at_the_time_of_the_call(book: PriceBook, hour: int) -> None:
    at = datetime(2025, 5, 4, hour, 31, tzinfo=UTC)
    theirs = reference("deepseek", "deepseek-reasoner", SIZES[0], at, {})
    assert theirs.total_price == priced(book, "deepseek", "deepseek-reasoner", at=at).total_usd


@pytest.mark.parametrize(
    ("model", "other"),
    [
        ("claude-sonnet-4-5", {"cache_write_1h_tokens": 40_000}),
        ("claude-sonnet-4-5", {"web_searches": 3}),
    ],
)
def test_rare_classes_have_their_own_price(book: PriceBook, model: str, other: dict[str, int]) -> None:
    usage = TokenUsage(*SIZES[1][:5], other)
    price = priced(book, "anthropic", model, usage=usage)
    assert reference("anthropic", model, usage, NOON, {}).total_price == price.total_usd
    assert price.total_usd != priced(book, "anthropic", model, usage=SIZES[1]).total_usd
    assert price.total_usd == sum(price.amounts.values(), Decimal(0))


def test_audio_has_its_own_price(book: PriceBook) -> None:
    usage = TokenUsage(1000, 500, other={"input_audio_tokens": 400, "output_audio_tokens": 300})
    text, audio = 600 * Decimal("2.5") + 200 * 10, 400 * 32 + 300 * 64
    assert (text + audio) / 1_000_000 == priced(book, "openai", "gpt-audio", usage=usage).total_usd


def test_audio_is_not_priced_as_text_where_the_list_has_no_rate_for_it(book: PriceBook) -> None:
    usage = TokenUsage(1000, 500, other={"input_audio_tokens": 400})
    assert book.price(provider="openai", model="gpt-4o-audio-preview", usage=usage, at=NOON) is None
    text = TokenUsage(1000, 500)
    assert Decimal("0.0075") == priced(book, "openai", "gpt-4o-audio-preview", usage=text).total_usd


def test_the_fast_mode_of_anthropic_is_priced_as_such(book: PriceBook) -> None:
    fast = next(
        model.id
        for provider in providers
        if provider.id == "anthropic"
        for model in provider.models
        if any(variant.when == {"speed": "fast"} for variant in model.price_variants or ())
    )
    theirs = reference("anthropic", fast, SIZES[0], NOON, {"speed": "fast"})
    assert theirs.total_price == priced(book, "anthropic", fast, service_tier="fast").total_usd
    assert theirs.total_price > priced(book, "anthropic", fast).total_usd


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "no-such-model"),
        ("nobody-knows", "gpt-oss-120b"),
        ("unknown", "mistral-large-latest"),
        (None, "no-such-model"),
        ("openai", ""),
        ("openai", None),
        ("openai", "\x00 🤷 (["),
        ("", "*"),
    ],
)
def test_what_nobody_knows_is_unpriced(book: PriceBook, provider: str | None, model: str | None) -> None:
    assert book.price(provider=provider, model=model, usage=SIZES[0], at=NOON) is None


def test_a_usage_that_contradicts_itself_is_unpriced(book: PriceBook) -> None:
    impossible = TokenUsage(10, 0, 20, 0)
    assert book.price(provider="anthropic", model="claude-sonnet-4-5", usage=impossible, at=NOON) is None
    with_searches = impossible._replace(other={"web_searches": 1})
    assert book.price(provider="anthropic", model="claude-sonnet-4-5", usage=with_searches, at=NOON) is None


def test_tokens_of_a_model_priced_by_the_hour_are_unpriced_and_not_free(book: PriceBook) -> None:
    assert book.price(provider="openai", model="whisper-1", usage=SIZES[0], at=NOON) is None
    searching = SIZES[0]._replace(other={"web_searches": 1})
    assert book.price(provider="openai", model="whisper-1", usage=searching, at=NOON) is None


def test_a_free_model_costs_nothing_and_is_priced(book: PriceBook) -> None:
    free = next(model.id for p in providers if p.id == "openrouter" for model in p.models if model.id.endswith(":free"))
    assert Decimal(0) == priced(book, "openrouter", free).total_usd


def test_the_day_of_a_price_change_is_a_utc_day(book: PriceBook) -> None:
    east = datetime(2026, 5, 5, 3, 0, tzinfo=timezone(timedelta(hours=9)))
    for at in (east, east.astimezone(UTC), east.astimezone(UTC).replace(tzinfo=None)):
        assert (
            reference("openai", "gpt-4o", SIZES[0], at, {}).total_price
            == priced(book, "openai", "gpt-4o", at=at).total_usd
        )


def test_the_source_names_the_price_data_and_its_version(book: PriceBook) -> None:
    assert priced(book, "openai", "gpt-4o").source.startswith("genai-prices 0.")


def test_newer_price_data_is_used_as_soon_as_the_program_loads_it() -> None:
    book = PriceBook()
    before = priced(book, "openai", "gpt-4o").total_usd
    try:
        data_snapshot.set_custom_snapshot(data_snapshot.DataSnapshot(providers=[], from_auto_update=True))
        assert book.price(provider="openai", model="gpt-4o", usage=SIZES[0], at=NOON) is None
    finally:
        data_snapshot.set_custom_snapshot(None)
    assert before == priced(book, "openai", "gpt-4o").total_usd


def test_what_is_remembered_is_bounded() -> None:
    book = PriceBook()
    for number in range(5000):
        book.price(provider="nobody", model=f"model-{number}", usage=SIZES[0], at=NOON)
    assert len(book._cache) <= 4096


def test_importing_the_price_book_does_not_load_the_price_data() -> None:
    code = "import sys, syndarix_obs.pricing; sys.exit('genai_prices' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
