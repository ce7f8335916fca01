"""Over servers: alerts are shown, and one that is down takes only its own part of a page with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import web_scene as scene
from web_browser import Browser


async def test_alerts_and_silences_are_shown_and_a_runbook_only_leads_to_the_web(
    home: Path, browser_over: Callable[..., Browser]
) -> None:
    browser = browser_over(home, scene.Stack(home))
    found = await browser.page("/health")

    for said in ("refunds go wrong", "active", "critical", "agent=refunds go wrong", "Silences"):
        assert said in found.text
    assert "runbook" not in found.text
    assert "refunds go wrong" in (await browser.page("/")).text


async def test_a_server_that_is_down_is_named_once_and_the_rest_of_the_page_goes_on(
    home: Path, browser_over: Callable[..., Browser]
) -> None:
    browser = browser_over(home, scene.Stack(home, down=("costs", "alerts")))
    found = await browser.page("/")

    assert 1 == found.text.count(scene.DOWN)
    assert "No answer, see above." in found.text
    assert "support 100%" in found.text
    assert "Last sessions" in found.text


async def test_a_page_that_needs_the_server_says_which_why_and_what_to_do(
    home: Path, browser_over: Callable[..., Browser]
) -> None:
    browser = browser_over(home, scene.Stack(home, down=("costs", "agents", "alerts")))

    assert scene.DOWN in (await browser.page("/costs", 503)).text
    assert {"error": scene.DOWN, "near": []} == await browser.json("/agents.json", 503)
    health = await browser.page("/health")
    assert scene.DOWN in health.text
    assert "prices" in health.text


async def test_the_twin_of_a_page_that_is_half_there_has_both_halves(
    home: Path, browser_over: Callable[..., Browser]
) -> None:
    found = await browser_over(home, scene.Stack(home, down=("costs",))).json("/overview.json")

    assert scene.DOWN == found["cost_by_day"]["error"]
    assert "support" in [each["agent"] for each in found["agents"]["agents"]]


async def test_names_that_nobody_can_tell_are_not_suggested(
    tmp_path: Path, browser_over: Callable[..., Browser]
) -> None:
    found = await browser_over(tmp_path / "none").page("/traces", 503)

    assert [] == found.all("datalist")
