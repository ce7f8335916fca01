"""Pages that need a run offer the last ones, and say at once what a newcomer asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import web_scene as scene
from web_browser import Browser, Parsed


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two sessions, s-2 a minute after s-1."""
    records = (*scene.run(), *scene.run(scene.OTHER, 60, session_id="s-2", outcome="refused"))
    return scene.write(tmp_path_factory.mktemp("pair"), *records)


@pytest.fixture
def two(pair: Path, browser_over: Callable[..., Browser]) -> Browser:
    """A browser over it."""
    return browser_over(pair)


def rows(page: Parsed) -> list[str]:
    """Where the rows of a page lead."""
    return [each["href"] for each in page.all("a") if each.get("class") == "row"]


async def test_two_clicks_compare_two_runs_the_older_one_first(two: Browser) -> None:
    first = rows(await two.page("/compare"))
    second = rows(await two.page(first[0]))
    compared = await two.page(second[0])

    assert ["/compare?a=s-2", "/compare?a=s-1"] == first
    assert ["/compare?a=s-1&b=s-2"] == second
    assert "resolved refused" in compared.text


async def test_the_other_run_may_be_chosen_first(two: Browser) -> None:
    assert ["/compare?a=s-1&b=s-2"] == rows(await two.page("/compare?a=s-1"))


async def test_a_comparison_of_versions_offers_no_runs(two: Browser) -> None:
    assert [] == rows(await two.page("/compare?of=version"))


async def test_a_report_is_offered_for_each_of_the_last_runs(two: Browser) -> None:
    assert ["/report?run=s-2", "/report?run=s-1"] == rows(await two.page("/report"))


async def test_a_session_says_why_it_ended_so_and_leads_to_the_step(two: Browser) -> None:
    page = await two.page("/session?id=s-1")

    assert "Why it ended so" in page.text
    assert "lookup was called 4 times with equal arguments" in page.text
    assert f"/trace?id={scene.TRACE}&step=07#split" in [each["href"] for each in page.all("a")]
    assert "/compare?a=s-1" in [each["href"] for each in page.all("a")]


async def test_the_tool_that_fails_most_stands_first_with_what_it_took_and_cost(two: Browser) -> None:
    page, answer = await two.page("/tools"), await two.json("/tools.json")

    total = answer["when"]["totals"][0]
    assert ("lookup", 2, 2, 1.0) == (total["tool"], total["calls"], total["failed"], total["took"]["p95"])
    assert "0.02" == total["cost_usd"]
    assert "lookup fails most: 2 of 2 calls, and it is the slowest (p95 1.00s)." in page.text
    assert "/traces?since=7d&tool=lookup&status=error" in [each["href"] for each in page.all("a")]
