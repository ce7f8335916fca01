"""A bill against the ledger: equal where everything was recorded, and every planted gap has its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from bill_scene import AFTER, FIRST, Ask, Recorder, unseen
from fake_bill import FakeProvider

from syndarix_obs.pricing.overrides import load
from syndarix_obs.records.model import Record
from syndarix_obs_read.answers.bill import BillRow, Reconciliation
from syndarix_obs_read.bills.lessons import as_file

MINI, LARGE = "gpt-4o-mini-2024-07-18", "gpt-4o-2024-08-06"
SONNET, HAIKU = "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001"


def openai(**how: Any) -> Recorder:
    """A month with two models of OpenAI."""
    recorder = Recorder(FakeProvider("openai", AFTER, **how))
    recorder.days(MINI)
    recorder.days(LARGE)
    return recorder


def anthropic(**how: Any) -> Recorder:
    """A month with two models of Anthropic, caches of both lives in use."""
    recorder = Recorder(FakeProvider("anthropic", AFTER, **how))
    recorder.days(SONNET, w5m=2_000)
    recorder.days(HAIKU, w5m=3_000, w1h=1_500)
    return recorder


def causes(answer: Reconciliation) -> dict[str, Decimal]:
    """Dollars by cause, those below a hundredth of a cent left out."""
    found = {each.cause: each.usd or Decimal(0) for each in answer.causes}
    return {cause: usd.quantize(Decimal("0.0001")) for cause, usd in found.items() if abs(usd) >= Decimal("0.0001")}


def named(answer: Reconciliation, cause: str) -> str:
    """Whom a cause is about."""
    return "; ".join(next(each.who for each in answer.causes if each.cause == cause))


def assert_accounted_for(answer: Reconciliation) -> None:
    """Per day and model, what was seen and what the causes name come to the bill: tokens and dollars."""
    for row in answer.rows:
        assert abs(_tokens(row, "billed") - _tokens(row, "seen") - _net(row)) <= _tokens(row, "billed") / 1000, row
        told = row.seen_usd + sum((each.usd or 0 for each in row.causes if each.cause != "unexplained"), Decimal(0))
        assert abs((row.billed_usd or 0) - told) <= abs(row.billed_usd or 0) / 100, row
    assert answer.difference_usd == pytest.approx(sum(each.usd or 0 for each in answer.causes), abs=Decimal("1e-9"))


def _tokens(row: BillRow, side: str) -> int:
    return sum(getattr(each, side) for each in row.classes)


def _net(row: BillRow) -> int:
    """Tokens that causes name, without those that only stand in another tier."""
    return sum(sum(each.tokens.values()) for each in row.causes if each.cause not in ("batch", "service tier"))


@pytest.mark.parametrize("scene", [openai, anthropic])
async def test_what_was_recorded_whole_agrees_to_the_token_and_the_cent(
    scene: Callable[[], Recorder], ask: Ask
) -> None:
    answer = await ask(scene())

    assert 62 == len(answer.rows)
    for row in answer.rows:
        assert [] == [each for each in row.classes if each.seen != each.billed]
        assert abs((row.billed_usd or 0) - row.seen_usd) <= (row.billed_usd or 0) / 100
    assert (0.0, date(2026, 10, 31), ()) == (round(answer.ratio or 0, 6), answer.settled_through, answer.prices)
    assert answer.sentence.endswith("were seen: no difference.")


async def test_a_key_that_nothing_records_is_named_with_its_tokens_and_dollars(ask: Ask) -> None:
    recorder = openai()
    unseen(recorder.provider, LARGE, [3, 4, 5, 9], key="key_script", project="proj_lab")
    answer = await ask(recorder)

    assert {"unseen key or project": Decimal("0.6600")} == causes(answer)
    assert "key key_script of project proj_lab" == named(answer, "unseen key or project")
    assert [("key_script", False), ("key_app", True)] == sorted(
        ((each.key, each.seen) for each in answer.accounts), key=lambda pair: pair[1]
    )
    assert_accounted_for(answer)


async def test_keys_that_are_said_to_be_watched_leave_the_others_unseen(ask: Ask) -> None:
    recorder = openai()
    unseen(recorder.provider, MINI, [1], key="key_other", project="proj_app")
    answer = await ask(recorder, watched=["key_app"])

    assert "key key_other of project proj_app" == named(answer, "unseen key or project")


async def test_a_part_of_a_key_that_was_not_recorded_is_unseen_too(ask: Ask) -> None:
    recorder = openai()
    unseen(recorder.provider, MINI, [7])
    answer = await ask(recorder)

    assert named(answer, "unseen key or project").startswith("a part of key key_app")
    assert_accounted_for(answer)


async def test_batches_that_were_recorded_as_ordinary_calls_are_named(ask: Ask) -> None:
    recorder = openai()
    recorder.days(MINI, 3, start=12, tier="batch", seen_tier="default", cached=0)
    answer = await ask(recorder)

    assert ["batch"] == list(causes(answer))
    assert causes(answer)["batch"] < 0
    assert_accounted_for(answer)


async def test_a_contract_is_learned_and_offered_as_a_dated_entry(ask: Ask, tmp_path: Path) -> None:
    answer = await ask(openai(discount={LARGE: Decimal("0.8")}))

    assert ["price list"] == list(causes(answer))
    (entry,) = answer.prices
    assert (LARGE, "2", "1", "8") == (
        entry.model, entry.rates["input_per_mtok"], entry.rates["cache_read_per_mtok"], entry.rates["output_per_mtok"],
    )  # fmt: skip
    assert_accounted_for(answer)
    (file := tmp_path / "prices.yml").write_text(as_file(answer.prices))
    assert (date(2026, 10, 1), LARGE) == (load(file)[0].first_day, load(file)[0].model)


async def test_calls_without_a_price_are_named_and_their_price_is_offered(ask: Ask) -> None:
    recorder = openai()
    recorder.days("house-model-1", 4)
    answer = await ask(recorder)

    assert ["unpriced calls"] == list(causes(answer))
    assert ["0.4", "1.6"] == [answer.prices[0].rates[name] for name in ("input_per_mtok", "output_per_mtok")]
    assert_accounted_for(answer)


async def test_estimates_are_named_where_the_provider_sent_no_usage(ask: Ask) -> None:
    recorder = openai()
    recorder.days(MINI, 1, start=20, usage=False)
    answer = await ask(recorder)

    assert {"estimated calls"} == {each.cause for each in answer.causes}
    assert_accounted_for(answer)


async def test_a_call_over_midnight_stands_on_the_day_of_its_end(ask: Ask) -> None:
    recorder = openai()
    late = FIRST + timedelta(days=10, hours=23, minutes=59, seconds=59)
    recorder.call(LARGE, late, input=90_000, output=3_000, took=timedelta(seconds=5))
    answer = await ask(recorder)

    assert {"day borders"} == {each.cause for each in answer.causes}
    assert {} == causes(answer)
    assert "to 2026-10-12" in named(answer, "day borders")
    assert_accounted_for(answer)


async def test_a_report_that_is_not_complete_yet_is_late_and_nothing_else(ask: Ask) -> None:
    now = FIRST + timedelta(days=27, hours=20)
    recorder = anthropic(late=timedelta(hours=14))
    recorder.provider.now = now
    recorder.records = [each for each in recorder.records if each.start_ns < now.timestamp() * 1e9]
    answer = await ask(recorder)

    assert ["late bucket"] == list(causes(answer))
    assert (date(2026, 10, 26), 0.0) == (answer.settled_through, round(answer.ratio or 0, 6))
    assert {date(2026, 10, 28)} == {row.day for row in answer.rows if row.causes}
    assert_accounted_for(answer)


async def test_a_day_that_the_report_leaves_out_is_late(ask: Ask) -> None:
    recorder = openai()
    provider = recorder.provider
    provider.served = [call for call in provider.served if call.billed_at.day != 9]
    answer = await ask(recorder)

    assert ["late bucket"] == list(causes(answer))


async def test_a_report_that_ends_at_an_hour_is_late_however_old_it_is(ask: Ask) -> None:
    recorder = anthropic()
    recorder.provider.served = [
        call for call in recorder.provider.served if call.billed_at < FIRST + timedelta(days=30, hours=9)
    ]
    answer = await ask(recorder)

    assert ["late bucket"] == list(causes(answer))
    assert "the report ends at 13:00 UTC" == named(answer, "late bucket")
    assert_accounted_for(answer)


async def test_a_contract_that_begins_within_the_month_is_dated(ask: Ask) -> None:
    recorder = openai(discount={LARGE: Decimal("0.9")}, discount_from=FIRST + timedelta(days=14))
    answer = await ask(recorder)

    assert ["price list"] == list(causes(answer))
    assert (date(2026, 10, 15), "2.25") == (answer.prices[0].first_day, answer.prices[0].rates["input_per_mtok"])


async def test_amounts_in_whole_cents_differ_by_rounding_only(ask: Ask) -> None:
    answer = await ask(anthropic(places=2))

    assert {"rounding"} == {each.cause for each in answer.causes}
    assert () == answer.prices


async def test_what_is_billed_today_and_was_not_seen_is_no_late_report(ask: Ask) -> None:
    now = FIRST + timedelta(days=27, hours=20)
    recorder = openai()
    unseen(recorder.provider, MINI, [27])
    recorder.provider.now = now
    recorder.records = [each for each in recorder.records if each.start_ns < now.timestamp() * 1e9]
    answer = await ask(recorder)

    assert ["unseen key or project"] == list(causes(answer))


async def test_the_priority_tier_is_missing_from_the_cost_report_and_named(ask: Ask) -> None:
    recorder = anthropic()
    recorder.days(HAIKU, 2, start=15, tier="priority")
    answer = await ask(recorder)

    assert ["service tier"] == list(causes(answer))
    assert "priority: in the usage report, not in the cost report" == named(answer, "service tier")
    assert_accounted_for(answer)


async def test_searches_stand_beside_the_tokens_on_both_sides(ask: Ask) -> None:
    recorder = anthropic()
    recorder.days(SONNET, 2, start=8, searches=4)
    answer = await ask(recorder)

    assert {} == causes(answer)
    assert [Decimal("0.12"), Decimal("0.12")] == [row.billed_usd for row in answer.rows if row.model is None]
    assert_accounted_for(answer)


async def test_calls_that_this_account_was_not_billed_for_are_another_accounts(ask: Ask) -> None:
    recorder = openai()
    other = Recorder(FakeProvider("openai", AFTER))
    other.days(MINI, 2, start=4)
    recorder.records += _renamed(other.records)
    answer = await ask(recorder)

    assert ["another account"] == list(causes(answer))
    assert_accounted_for(answer)


async def test_all_gaps_at_once_are_told_apart(ask: Ask) -> None:
    recorder = openai(discount={LARGE: Decimal("0.8")})
    unseen(recorder.provider, LARGE, [3, 4, 5, 9], key="key_script", project="proj_lab")
    unseen(recorder.provider, MINI, [3, 8, 20], key="key_cron", project="proj_app")
    recorder.days("house-model-1", 4)
    recorder.days(MINI, 3, start=12, tier="batch", seen_tier="default", cached=0)
    recorder.days(MINI, 1, start=20, usage=False)
    late = FIRST + timedelta(days=10, hours=23, minutes=59, seconds=59)
    recorder.call(MINI, late, input=9_000, output=300, took=timedelta(seconds=5))
    answer = await ask(recorder)

    wanted = {"price list", "unseen key or project", "unpriced calls", "batch", "estimated calls", "day borders"}
    assert wanted == {each.cause for each in answer.causes}
    assert {"key_script", "key_cron"} == {each.key for each in answer.accounts if not each.seen}
    assert_accounted_for(answer)


def _renamed(records: list[Record]) -> list[Record]:
    return [replace(each, record_id=f"other:{each.record_id}") for each in records]
