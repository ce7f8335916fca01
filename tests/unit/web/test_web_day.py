"""What a day cost beside the day before: sums, causes that add up, and whose the difference is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import web_scene as scene
from web_browser import Browser

from syndarix_obs.records import model as r
from syndarix_obs.records.model import Record

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
YESTERDAY, BEFORE = ((TODAY - timedelta(days=back)).strftime("%Y-%m-%d") for back in (1, 2))


def line(days_ago: int, number: int, usd: str | None, tokens: int = 1_000, **who: Any) -> Record:
    """One line of the ledger at noon."""
    at = (TODAY - timedelta(days=days_ago) + timedelta(hours=12)).timestamp() - scene.START / scene.S
    return scene.make(  # type: ignore[no-any-return]  # the maker of any record
        r.CostRecord, scene.TRACE, f"{days_ago}{number:02}", None, at, record_id=f"{days_ago}:{number}",
        priced=usd is not None, estimated=False, provider="p", tokens_input=tokens, tokens_output=0,
        tokens_total=tokens, total_cost_usd=None if usd is None else Decimal(usd),
        **{**scene.WHO, "model": "small", **who},
    )  # fmt: skip


def lines() -> Iterator[Record]:
    """Two calls the day before; yesterday three, one of them of a dear model in another session."""
    yield line(2, 1, "0.10")
    yield line(2, 2, "0.10")
    yield line(1, 1, "0.10")
    yield line(1, 2, None, model="house")
    yield line(1, 3, "0.90", 4_000, model="large", session_id="s-2", agent="writer")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two days."""
    return scene.write(tmp_path_factory.mktemp("days"), *lines())


@pytest.fixture
def days(ledger: Path, browser_over: Callable[..., Browser]) -> Browser:
    """A browser over it."""
    return browser_over(ledger)


async def test_a_day_stands_beside_the_day_before_it(days: Browser) -> None:
    found = await days.json("/day.json?day=yesterday")

    assert (YESTERDAY, BEFORE) == (found["day"], found["day_before"])
    assert ("1", "0.2", "0.8") == (
        found["cost"]["total_usd"], found["cost_before"]["total_usd"], found["difference_usd"]
    )  # fmt: skip
    assert (2, 1, 1) == (found["sessions"], found["sessions_before"], found["cost"]["unpriced_calls"])
    assert found == await days.json(f"/day.json?day={YESTERDAY}") == await days.json("/day.json")


async def test_causes_add_up_to_the_difference(days: Browser) -> None:
    found = await days.json("/day.json")

    causes = {each["name"]: each for each in found["causes"]}
    assert ["calls", "tokens of a call", "price of a token"] == list(causes)
    added = sum(float(each["difference_usd"]) for each in causes.values())
    assert float(found["difference_usd"]) == pytest.approx(added)
    assert (2.0, 2.0, "0") == tuple(causes["calls"][name] for name in ("before", "after", "difference_usd"))
    assert 2_500 == causes["tokens of a call"]["after"]


async def test_the_difference_is_said_to_be_whose_it_is(days: Browser) -> None:
    page = await days.page("/day")

    assert "$0.80 more than the day before" in page.text
    assert "session s-2 (+$0.90), agent writer (+$0.90), model large (+$0.90)" in page.text
    assert "/session?id=s-2" in {each["href"] for each in page.all("a")}
    assert "Projects" not in page.text, "all work is of one project"


async def test_a_filter_narrows_both_days_and_a_day_without_calls_says_so(days: Browser) -> None:
    found = await days.json("/day.json?agent=writer")
    empty = await days.page("/day?day=2020-01-01")

    assert ("0.9", "0") == (found["cost"]["total_usd"], found["cost_before"]["total_usd"])
    assert [] == found["causes"], "nothing was paid the day before"
    assert "No model calls on either day." in empty.text


@pytest.mark.parametrize("day", ["7d", "2026-13-01", "x"])
async def test_what_is_no_day_is_refused_with_examples(day: str, days: Browser) -> None:
    page = await days.page(f"/day?day={day}", 400)

    assert "2026-03-01" in page.text


async def test_the_overview_leads_to_yesterday_and_to_each_day(days: Browser) -> None:
    page = await days.page("/")

    links = [each["href"] for each in page.all("a")]
    assert "/day?since=7d&day=yesterday" in links
    assert any(each == f"/day?since=7d&day={BEFORE}" for each in links)
