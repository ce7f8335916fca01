"""Large traces and payloads stay usable: what is cut says so and leads to the whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import web_scene as scene
from web_browser import Browser, Parsed


@pytest.fixture(scope="module")
def large_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace of 2,000 spans, the first of them with results of 200 KB; read it only."""
    records = list(scene.large(2_000))
    records[1:5] = list(scene.large(5, 200_000))[1:]
    return scene.write(tmp_path_factory.mktemp("large"), *records)


@pytest.fixture
def browser(large_home: Path, browser_over: Callable[..., Browser]) -> Browser:
    """A browser over it."""
    return browser_over(large_home)


def lines(page: Parsed) -> int:
    """Steps that a page shows."""
    return len([each for each in page.all("a") if each.get("id", "").startswith("step-")])


async def test_a_long_trace_is_shown_in_parts(browser: Browser) -> None:
    first = await browser.page(f"/trace?id={scene.LARGE}")
    more = next(each["href"] for each in first.all("a") if "limit=" in each["href"] and "json" not in each["href"])

    assert 250 == lines(first)
    assert "show 750 more of 1,750 further steps" in first.text
    assert 1_000 == lines(await browser.page(more))


async def test_a_step_beyond_the_first_part_can_be_seen(browser: Browser) -> None:
    found = await browser.page(f"/trace?id={scene.LARGE}&step=t01999")

    assert "2,000 of 2,000" in found.text


async def test_a_large_payload_is_cut_and_leads_to_the_whole(browser: Browser) -> None:
    found = await browser.page(f"/step?trace={scene.LARGE}&step=t00001")
    whole = next(each["href"] for each in found.all("a") if "whole=1" in each["href"])

    assert "200,000 characters in all · show everything" in found.text
    assert len(found.text) < 10_000
    assert "x" * 200_000 in (await browser.page(whole)).text


async def test_lists_and_lines_do_not_grow_with_payloads(browser: Browser) -> None:
    for path in ("/logs", "/logs?limit=1000", "/traces", f"/trace?id={scene.LARGE}&limit=20"):
        assert "x" * 1_000 not in (await browser.get(path)).text


async def test_a_long_conversation_shows_its_end(tmp_path: Path, browser_over: Callable[..., Browser]) -> None:
    talk = [{"role": "user", "content": f"message {number}"} for number in range(100)]
    call = scene.make(scene.r.LLMRecord, scene.TRACE, "05", None, 0, 1, name="chat", payload={"input": talk})
    browser = browser_over(scene.write(tmp_path, call))
    cut = (await browser.page(f"/step?trace={scene.TRACE}&step=05")).text

    assert "60 earlier messages · show everything" in cut
    assert "message 99" in cut
    assert "message 59" not in cut
    assert "message 0" in (await browser.page(f"/step?trace={scene.TRACE}&step=05&whole=1")).text
