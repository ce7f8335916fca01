"""Dated overrides from YAML win over the price data, and a wrong file says what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from syndarix_obs.errors import SettingsError
from syndarix_obs.pricing import Price, PriceBook
from syndarix_obs.pricing.usage import TokenUsage

ENTRY = {
    "provider": "openai", "model": "my-model", "from": "2026-01-01",
    "input_per_mtok": "1", "output_per_mtok": "10",
    "checked": "2026-01-02", "source": "contract",
}  # fmt: skip
EXAMPLE = Path(__file__).parents[3] / "examples" / "prices.yml"


def write(folder: Path, *entries: dict[str, str]) -> Path:
    path = folder / "prices.yml"
    lines = []
    for entry in entries:
        fields = {**ENTRY, **entry}
        given = [f"{name}: {value}" for name, value in fields.items() if value != "-"]
        lines.append("- " + "\n  ".join(given))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def price(
    path: Path, model: str, day: str = "2026-06-01", usage: TokenUsage | None = None, tier: str | None = None
) -> Price | None:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    usage = usage or TokenUsage(1_000_000, 100_000)
    return PriceBook(path).price(provider="openai", model=model, usage=usage, at=at, service_tier=tier)


def total(path: Path, model: str, day: str = "2026-06-01", tier: str | None = None) -> Decimal | None:
    found = price(path, model, day, tier=tier)
    return None if found is None else found.total_usd


def test_an_override_prices_a_model_that_nobody_lists(tmp_path: Path) -> None:
    found = price(write(tmp_path, {}), "My-Model")
    assert found is not None
    assert Decimal(2) == found.total_usd
    assert found.source == "override prices.yml checked 2026-01-02"


def test_an_override_wins_over_the_price_data(tmp_path: Path) -> None:
    assert Decimal(2) == total(write(tmp_path, {"model": "gpt-4o"}), "gpt-4o")


def test_other_models_keep_the_price_of_the_price_data(tmp_path: Path) -> None:
    found = price(write(tmp_path, {}), "gpt-4o")
    assert found is not None
    assert found.source.startswith("genai-prices")


def test_an_override_holds_from_its_first_day_until_the_day_it_ends(tmp_path: Path) -> None:
    path = write(tmp_path, {"until": "2026-07-01"}, {"from": "2026-07-01", "input_per_mtok": "5"})
    assert total(path, "my-model", "2025-12-31") is None
    assert Decimal(2) == total(path, "my-model", "2026-01-01")
    assert Decimal(2) == total(path, "my-model", "2026-06-30")
    assert Decimal(6) == total(path, "my-model", "2026-07-01")


def test_an_exact_model_beats_a_prefix_and_a_long_prefix_a_short_one(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"model": "my-model-7b", "input_per_mtok": "3"},
        {"model": '"my-*"', "input_per_mtok": "1"},
        {"model": '"my-model*"', "input_per_mtok": "2"},
    )
    assert Decimal(4) == total(path, "my-model-7b")
    assert Decimal(3) == total(path, "my-model-70b")
    assert Decimal(2) == total(path, "my-other")


def test_of_equal_entries_the_last_one_holds(tmp_path: Path) -> None:
    assert Decimal(8) == total(write(tmp_path, {}, {"input_per_mtok": "7"}), "my-model")


def test_an_entry_for_a_service_tier_holds_for_that_tier_only(tmp_path: Path) -> None:
    path = write(tmp_path, {"service_tier": "flex", "input_per_mtok": "0.5"}, {})
    assert Decimal("1.5") == total(path, "my-model", tier="flex")
    assert Decimal(2) == total(path, "my-model", tier="default")
    assert Decimal(2) == total(path, "my-model")


def test_cache_tokens_cost_what_input_costs_unless_they_have_a_rate(tmp_path: Path) -> None:
    usage = TokenUsage(1_000_000, 0, cache_read=500_000, cache_write=100_000)
    plain = price(write(tmp_path, {}), "my-model", usage=usage)
    rated = price(write(tmp_path, {"cache_read_per_mtok": "0.1"}), "my-model", usage=usage)
    assert plain is not None
    assert rated is not None
    assert Decimal(1) == plain.total_usd
    assert Decimal("0.55") == rated.total_usd


def test_a_rate_is_the_number_that_was_written(tmp_path: Path) -> None:
    usage = TokenUsage(1_000_000, 0)
    found = price(write(tmp_path, {"input_per_mtok": "0.1"}), "my-model", usage=usage)
    assert found is not None
    assert Decimal("0.1") == found.total_usd


def test_provider_names_of_the_conventions_may_be_used(tmp_path: Path) -> None:
    book = PriceBook(write(tmp_path, {"provider": "aws.bedrock"}))
    at = datetime(2026, 6, 1, tzinfo=UTC)
    found = book.price(provider="bedrock", model="my-model", usage=TokenUsage(1_000_000, 0), at=at)
    assert found is not None
    assert Decimal(1) == found.total_usd


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"source": "-"}, ["`source` is missing", "required", "source: https"]),
        ({"checked": "-"}, ["`checked` is missing", "required", "checked: 2026"]),
        ({"from": "-"}, ["`from` is missing"]),
        ({"from": "yesterday"}, ["`from` is 'yesterday'", "a date", "from: 2026-01-01"]),
        ({"until": "2025-01-01"}, ["`until`", "after `from`"]),
        ({"input_per_mtok": "-1"}, ["`input_per_mtok` is -1", "0 or more", "input_per_mtok: 0.15"]),
        ({"output_per_mtok": "lots"}, ["`output_per_mtok` is 'lots'"]),
        ({"output_per_mtok": "true"}, ["`output_per_mtok` is True"]),
        ({"cache_read_per_mtok": ".inf"}, ["`cache_read_per_mtok`"]),
        ({"currency": "EUR"}, ["`currency` is 'EUR'", "USD"]),
        ({"model": "12"}, ["`model` is 12", "text"]),
        ({"imput_per_mtok": "1"}, ["unknown field 'imput_per_mtok'", "Allowed: provider"]),
    ],
)
def test_a_wrong_entry_names_file_entry_field_choices_and_example(
    tmp_path: Path, change: dict[str, str], told: list[str]
) -> None:
    path = write(tmp_path, {}, change)
    with pytest.raises(SettingsError) as caught:
        PriceBook(path)
    for part in (str(path), "entry 2", *told):
        assert part in str(caught.value)


@pytest.mark.parametrize(("text", "told"), [("a: b", "must be a list"), ("- : [", "not YAML"), ("- 3", "entry 1")])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "prices.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=told):
        PriceBook(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.yml cannot be read"):
        PriceBook(tmp_path / "gone.yml")


def test_an_empty_file_overrides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "prices.yml"
    path.write_text("", encoding="utf-8")
    assert total(path, "my-model") is None


def test_dates_with_a_time_of_day_count_as_their_day(tmp_path: Path) -> None:
    assert Decimal(2) == total(write(tmp_path, {"from": "2026-01-01 10:00:00"}), "my-model", "2026-01-01")


def test_the_shipped_example_is_valid() -> None:
    assert Decimal("0.22") == total(EXAMPLE, "acme-support-7b-instruct", "2026-03-01")
    assert Decimal("0.154") == total(EXAMPLE, "acme-support-7b-instruct", "2026-08-01")
