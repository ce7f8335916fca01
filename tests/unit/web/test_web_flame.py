"""Lanes: where each bar stands, whatever its width stands for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import web_scene as scene
from web_browser import Browser

from syndarix_obs_read.amounts import Cost, Tokens
from syndarix_obs_read.answers.trace import Trace, TraceSpan
from syndarix_obs_read.web.parts.flame import Bar, Flame, flame

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def span(name: str, depth: int, at: float, took: float, agent: str | None = None, **more: Any) -> TraceSpan:
    """One step; times in milliseconds."""
    return TraceSpan(span_id=name, parent_id=None, depth=depth, kind=more.pop("kind", "tool_call"), title=name,
                     status=more.pop("status", "ok"), started=NOW, offset_ms=at, duration_ms=took, agent=agent,
                     **more)  # fmt: skip


def trace(*spans: TraceSpan, took: float = 100) -> Trace:
    """A trace of these steps."""
    return Trace(
        backend="embedded", trace_id="t", name="t", status="ok", started=NOW, duration_ms=took, running=False,
        session_id=None, agents=(), project=None, user=None, service=None, environment=None, tokens=Tokens(),
        cost=Cost(), spans=spans, total_spans=len(spans), more=False,
    )  # fmt: skip


def places(found: Flame) -> dict[str, list[list[tuple[str, float, float]]]]:
    """Name, start and end of the bars of each row, by agent."""
    def place(bar: Bar) -> tuple[str, float, float]:
        return bar.span.span_id, round(bar.start, 3), round(bar.end, 3)

    return {lane.agent: [[place(bar) for bar in row] for row in lane.rows] for lane in found.lanes}


RUN = trace(
    span("a", 0, 0, 100, "one", kind="session"),
    span("b", 1, 10, 30, "one", input_tokens=30, cost_usd=Decimal(3)),
    span("c", 1, 40, 50, "two", kind="session"),
    span("d", 2, 50, 10, None, output_tokens=10, cost_usd=Decimal(1)),
    span("e", 2, 55, 10, None),
)


def test_a_lane_holds_what_its_agent_did_and_parallel_steps_stand_below_one_another() -> None:
    assert {
        "one": [[("a", 0.0, 1.0)], [("b", 0.1, 0.4)]],
        "two": [[("c", 0.4, 0.9)], [("d", 0.5, 0.6)], [("e", 0.55, 0.65)]],
    } == places(flame(RUN, "time"))


@pytest.mark.parametrize("width", ["cost", "tokens"])
def test_steps_stand_one_after_another_as_wide_as_their_amount(width: Any) -> None:
    found = flame(RUN, width)

    assert {"one": [[("a", 0.0, 1.0)], [("b", 0.0, 0.75)]], "two": [[("c", 0.75, 1.0)], [("d", 0.75, 1.0)]]} == places(
        found
    )
    assert 1 == found.left_out


def test_a_window_shows_a_part_at_full_width() -> None:
    found = places(flame(RUN, "time", (0.5, 0.6)))

    assert [("d", 0.0, 1.0)] == found["two"][1]
    assert [("e", 0.5, 1.0)] == found["two"][2]
    assert [[("a", 0.0, 1.0)]] == found["one"]


def test_narrow_neighbours_are_one_bar_that_counts_them_and_no_step_is_lost() -> None:
    steps = (span(f"s{n}", 0, n, 1, "one", status="error" if n == 7 else "ok") for n in range(10_000))
    many = trace(*steps, took=10_000)
    bars = [bar for row in flame(many, "time").lanes[0].rows for bar in row]

    assert 10_000 == sum(bar.steps for bar in bars)
    assert 100 < len(bars) < 1_000
    assert [True] == [bar.failed for bar in bars if bar.failed]
    assert 10 > max(bar.steps for bar in [b for row in flame(many, "time", (0, 0.01)).lanes[0].rows for b in row])


def test_a_trace_without_dollars_has_no_lanes_of_money() -> None:
    found = flame(trace(span("a", 0, 0, 10)), "cost")

    assert ((), 1) == (found.lanes, found.left_out)


@pytest.mark.parametrize("by", ["time", "cost", "tokens"])
async def test_the_page_draws_lanes_without_a_script(by: str, browser: Browser) -> None:
    found = await browser.page(f"/trace?id={scene.TRACE}&view=flame&by={by}")
    bars = [each for each in found.all("a") if "bar" in each.get("class", "").split()]

    assert "support" in found.text
    assert bars
    assert all(each["href"].startswith("/trace?") for each in bars)


@pytest.mark.parametrize("words", ["view=odd", "view=flame&by=age", "view=flame&from=0.7&to=0.2", "view=flame&from=x"])
async def test_a_view_that_there_is_not_says_what_there_is(words: str, browser: Browser) -> None:
    text = (await browser.page(f"/trace?id={scene.TRACE}&{words}", 400)).text

    assert "possible: " in text or "0 to 1" in text


async def test_the_rest_of_a_long_trace_comes_as_rows(tmp_path: Path, browser_over: Callable[..., Browser]) -> None:
    browser = browser_over(scene.write(tmp_path, *scene.large(700)))
    page = await browser.page(f"/trace?id={scene.LARGE}")
    rest = next(each["data-rest"] for each in page.all("div") if "data-rest" in each)

    assert 700 == len((await browser.page(rest)).all("li"))
    assert "there is no trace" in (await browser.get("/trace/rows?id=dead", 404)).text
