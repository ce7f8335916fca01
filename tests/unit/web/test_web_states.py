"""Sessions that run, hang or fail, calls that nobody can price, and what was left out: each is called what it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import web_scene as scene
from syndarix_obs_read.web.parts.pieces import moment, short, user
from web_browser import Browser

from syndarix_obs.records import model as r
from syndarix_obs_read.web.asked import before_word
from syndarix_obs_read.web.parts import charts

A, B, C, D = (each * 32 for each in "1234")
NOW_S = 600.0
LIVE = {**scene.WHO, "session_id": "s-live"}


@pytest.fixture(scope="module")
def odd_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a session that runs, one that hangs, one that failed, and one that nobody can price."""
    failed = {"status": "error", "error_type": "shop.OutOfStock", "error_message": "nothing left"}
    other = {"agent": "stock", "session_id": "s-failed"}
    plain = {"agent": "bare", "session_id": "s-bare"}
    return scene.write(
        tmp_path_factory.mktemp("odd"),
        scene.make(r.SessionRecord, A, "01", None, NOW_S - 60, status="running", name="invoke_agent support", **LIVE),
        scene.make(r.ToolRecord, A, "02", "01", NOW_S - 50, 50, tool="search", loop_count=5, **LIVE),
        scene.make(r.SessionRecord, B, "01", None, -5_000, status="running", name="run", agent="support",
                   session_id="s-hangs"),
        scene.make(r.SessionRecord, C, "01", None, 0, 3, name="invoke_agent stock", **failed, **other),
        scene.make(r.ToolRecord, C, "02", "01", 1, 1, tool="count", **failed, **other),
        scene.make(r.LLMRecord, C, "03", "01", 0.1, 0.5, model="m", status="error", error_type="Refused", **other),
        scene.make(r.SessionRecord, D, "01", None, 0, 3, name="run", **plain),
        scene.make(r.LLMRecord, D, "02", "01", 1, 1, model="house-1", provider="house", input_tokens=5, **plain),
        scene.make(r.DecisionRecord, D, "03", "01", 1, decision_type="", options=(), selected="go", **plain),
        scene.make(r.CostRecord, D, "02", None, 1, record_id="c", model="house-1", priced=False, tokens_total=5,
                   provider="house", agent="bare", session_id="s-bare"),
    )  # fmt: skip


@pytest.fixture
def browser(odd_home: Path, browser_over: Callable[..., Browser]) -> Browser:
    """A browser over it."""
    return browser_over(odd_home)


async def test_sessions_run_hang_and_fail(browser: Browser) -> None:
    text = (await browser.page("/sessions")).text

    for said in ("s-live", "running", "s-hangs", "stalled", "s-failed", "OutOfStock"):
        assert said in text


async def test_the_overview_counts_what_runs(browser: Browser) -> None:
    found = await browser.page("/")

    assert "sessions running 2 last" in found.text


async def test_a_failed_session_shows_its_error(browser: Browser) -> None:
    assert "shop.OutOfStock: nothing left" in (await browser.page("/session?id=s-failed")).text


async def test_a_session_that_decided_nothing_says_so(browser: Browser) -> None:
    assert "It decided nothing that was recorded." in (await browser.page("/session?id=s-failed")).text


async def test_a_failed_trace_is_explained_from_its_error(browser: Browser) -> None:
    found = await browser.page(f"/trace?id={C}")

    assert "session stock failed in tool_call count: OutOfStock: nothing left" in found.text
    assert any("why is-error" in each.get("class", "") for each in found.all("section"))


async def test_a_trace_that_still_runs_says_so(browser: Browser) -> None:
    assert "status running" in (await browser.page(f"/trace?id={A}")).text


async def test_calls_without_a_price_are_unpriced_and_not_free(browser: Browser) -> None:
    for path in ("/", "/costs", f"/trace?id={D}", f"/step?trace={D}&step=02", "/session?id=s-bare", "/traces"):
        text = (await browser.page(path)).text
        assert "unpriced" in text, path
        assert "$0" not in text.replace("$ 0.05", ""), path


async def test_a_loop_without_kept_arguments_is_listed(browser: Browser) -> None:
    found = await browser.page("/loops")

    assert "search support 5 –" in found.text
    assert any("SYNDARIX_OBS_CAPTURE" in each.get("title", "") for each in found.all("span"))


async def test_a_decision_without_type_options_and_reason_is_listed(browser: Browser) -> None:
    assert "decision bare" in (await browser.page("/decisions?agent=bare")).text


async def test_failed_requests_lead_to_their_errors(browser: Browser) -> None:
    links = [each["href"] for each in (await browser.page("/agents")).all("a")]

    assert "/errors?agent=stock" in links
    assert "/loops?agent=support" in links


async def test_the_time_can_be_chosen_freely(browser: Browser) -> None:
    found = await browser.page("/traces?since=2026-01-01&until=2026-02-01")

    assert "2026-01-01 – 2026-02-01" in found.text
    assert "No traces." in found.text


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [("ab" * 16, "abababab"), ("s-1", "s-1"), ("a-long-name-that-somebody-chose", "a-long-name-that-somebo…")],
)
def test_ids_are_shortened_when_that_loses_nothing(identifier: str, shown: str) -> None:
    assert shown == short(identifier)


def test_no_time_and_no_user_are_a_dash() -> None:
    assert moment(None, UTC) == user(None)


def test_a_share_of_nothing_is_an_empty_bar_and_none_is_longer_than_the_whole() -> None:
    assert 'width="0"' in charts.share(None).text
    assert 'width="1000"' in charts.share(7.0).text


def test_the_shortest_step_can_still_be_seen_at_the_very_end() -> None:
    assert 'x="997" y="0" width="3"' in charts.span(1_000, 0, 1_000, "").text


def test_an_older_page_begins_behind_the_last_row_to_the_microsecond() -> None:
    assert "1772373600000002.1" == before_word(datetime(2026, 3, 1, 14, 0, 0, 1, tzinfo=UTC), 1)
