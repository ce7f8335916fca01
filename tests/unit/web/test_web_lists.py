"""Lists in parts, lists without rows, and questions that cannot be answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import web_scene as scene
from web_browser import Browser

from syndarix_obs_read.web.app import PAGES

ABOUT_ONE = ("/interactions", "/annotate", "/trace", "/step", "/session", "/compare", "/walk", "/diff")
OF_THE_PROVIDER = ("/reconcile",)
"""Shows a bill, whatever the store has: it says which key or file it needs."""


@pytest.mark.parametrize("path", ["/traces", "/sessions", "/logs", "/decisions"])
async def test_older_pages_give_every_row_once_even_of_the_same_moment(
    path: str, tmp_path: Path, browser_over: Callable[..., Browser]
) -> None:
    records = [
        record
        for number in range(7)
        for record in scene.run(f"{number:032x}", at=number // 4, session_id=f"s-{number}")
    ]  # fmt: skip
    browser = browser_over(scene.write(tmp_path, *records))
    field = {"/logs": "lines"}.get(path, path[1:])
    whole = await browser.json(f"{path}.json?limit=1000")
    wanted = len(whole[field]["decisions"] if path == "/decisions" else whole[field])
    seen: list[str] = []
    address: str | None = f"{path}?limit=2"
    while address is not None:
        twin = await browser.json(address.replace(path, f"{path}.json", 1))
        rows = twin[field]["decisions"] if path == "/decisions" else twin[field]
        seen += [json.dumps(row, sort_keys=True) for row in rows]
        links = (await browser.page(address)).all("a")
        address = next((each["href"] for each in links if each.get("rel") == "next"), None)

    assert wanted == len(seen) == len(set(seen))


async def test_a_list_of_groups_offers_more(browser: Browser) -> None:
    found = await browser.page("/errors?limit=1")

    assert "/errors?limit=4" in [each["href"] for each in found.all("a")]


@pytest.mark.parametrize("path", [page.path for page in PAGES if page.path not in ABOUT_ONE + OF_THE_PROVIDER])
async def test_an_empty_store_says_on_every_page_how_to_fill_it(
    path: str, tmp_path: Path, browser_over: Callable[..., Browser]
) -> None:
    text = (await browser_over(scene.write(tmp_path)).page(path)).text

    assert "syndarix-obs demo" in text or "Nothing failed" in text


async def test_without_a_store_the_overview_says_so_once(tmp_path: Path, browser_over: Callable[..., Browser]) -> None:
    found = await browser_over(tmp_path / "none").page("/")

    assert 1 == len([each for _, each in found.elements if each.get("role") == "alert"])
    assert "no store at" in found.text


async def test_a_list_without_rows_says_why_and_what_to_try(browser: Browser) -> None:
    text = (await browser.page("/traces?agent=suport")).text

    assert "No traces. no agent is called 'suport'; did you mean support?" in text


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/trace", 400, "the address lacks id"),
        ("/trace?id=dead", 404, "there is no trace 'dead'"),
        (f"/trace?id={scene.TRACE}&limit=0", 400, "no number from 1 to 20,000"),
        (f"/step?trace={scene.TRACE}&step=zz", 404, "has no step 'zz'"),
        ("/session?id=zz", 404, "there is no session 'zz'"),
        ("/traces?since=yonder", 400, "cannot read the time 'yonder'"),
        ("/traces?min_cost=much", 400, "cannot read the amount 'much'"),
        ("/traces?min_duration=long", 400, "cannot read the duration 'long'"),
        ("/traces?status=odd", 400, "there is no status 'odd'"),
        ("/traces?before=then", 400, "cannot read before='then'"),
        ("/logs?kind=nothing", 400, "there is no kind 'nothing'"),
        ("/costs?by=moon", 400, "cannot be grouped by 'moon'"),
        ("/nowhere", 404, "there is no such page"),
        ("/static/secret", 404, "there is no such page"),
    ],
)
async def test_what_cannot_be_answered_says_why(address: str, status: int, said: str, browser: Browser) -> None:
    assert said in (await browser.page(address, status)).text


async def test_an_error_is_json_in_the_twin(browser: Browser) -> None:
    assert "cannot read the time" in (await browser.json("/traces.json?since=yonder", 400))["error"]
    found = await browser.json(f"/trace.json?id={scene.TRACE[:-1]}b", 404)
    assert scene.TRACE in found["near"]


async def test_a_chosen_step_that_is_not_there_leaves_the_trace_as_it_is(browser: Browser) -> None:
    text = (await browser.page(f"/trace?id={scene.TRACE}&step=zz")).text

    assert "has no step 'zz'" in text
    assert "Why it ended so" in text
