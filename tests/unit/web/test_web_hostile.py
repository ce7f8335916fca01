"""What came out of a model's mouth runs nowhere: code in every field of a record, and in every word of an address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import web_scene as scene
from web_browser import Browser, Parsed

from syndarix_obs_read.web.app import PAGES
from syndarix_obs_read.web.parts.filters import FIELDS

IDS = {
    "/trace": f"?id={scene.TRACE}",
    "/step": f"?trace={scene.TRACE}&step=05",
    "/session": f"?id={quote(scene.STORED)}",
    "/walk": f"?run={quote(scene.STORED)}",
    "/diff": f"?a={quote(scene.STORED)}&b={quote(scene.STORED)}",
    "/compare": f"?before={quote(scene.STORED)}&after={quote(scene.STORED)}",
    "/investigate": f"?agent={quote(scene.STORED)}",
    "/interactions": f"?run={quote(scene.STORED)}",
    "/annotate": f"?run={quote(scene.STORED)}",
    "/report": f"?run={quote(scene.STORED)}",
    "/day": "?day=today",
}
STEPS = ("01", "02", "03", "04", "05", "06", "07", "07~2", "08", "09", "0a")


def check(page: Parsed) -> None:
    """Nothing but our own script, no code in attributes, no way out but to the web and to pages of ours."""
    scripts = page.all("script")
    names = [urlsplit(each.get("src", "")).path.rpartition("/")[2] for each in scripts]
    assert names in (["early.js", "explorer.js"], [])
    assert [] == page.all("img") + page.all("iframe") + page.all("object") + page.all("base") + page.all("style")
    for tag, attributes in page.elements:
        assert [] == [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)
        for name in ("href", "src", "action"):
            assert urlsplit(attributes.get(name, "/")).scheme in ("", "http", "https"), attributes
    assert 1 >= page.titles


@pytest.fixture
def evil(hostile_home: Path, browser_over: Callable[..., Browser]) -> Browser:
    """A browser over the hostile records, with hostile alerts."""
    return browser_over(hostile_home, scene.Stack(hostile_home, text=scene.EVIL))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
async def test_code_in_records_stays_text_on_every_page(page: object, evil: Browser) -> None:
    path = getattr(page, "path", "")
    found = await evil.page(path + IDS.get(path, ""))

    check(found)
    # Too little history, no bill, no budget, no coding agent: these name nobody.
    if path not in ("/forecast", "/anomalies", "/reconcile", "/audit", "/budgets", "/coding"):
        assert "<script>alert(1)</script>" in found.text


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("path", ["/step", "/step/part"])
async def test_code_in_a_step_stays_text(path: str, step: str, evil: Browser) -> None:
    found = await evil.page(f"{path}?trace={scene.TRACE}&step={step}")

    check(found)
    assert "<script>alert(1)</script>" in found.text


async def test_code_in_the_chosen_step_and_in_the_explanation_stays_text(evil: Browser) -> None:
    check(await evil.page(f"/trace?id={scene.TRACE}&step=05"))


@pytest.mark.parametrize("dimension", ["agent", "project", "user", "task_type", "model", "day"])
async def test_code_in_names_that_costs_are_grouped_by_stays_text(dimension: str, evil: Browser) -> None:
    check(await evil.page(f"/costs?by={dimension}"))


LISTS = ("q", "sort", "columns", "only")
FLAME = ("view", "from", "to")
WORDS = sorted({*FIELDS, "by", "before", "limit", "id", "step", "whole", *LISTS, *FLAME})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
async def test_code_in_an_address_stays_text(page: object, browser: Browser) -> None:
    path = getattr(page, "path", "")
    for word in WORDS:
        answer = await browser.client.get(f"{path}?{word}={quote(scene.EVIL)}&{IDS.get(path, '?')[1:]}")
        assert answer.status_code in (200, 400, 404), word
        check(Parsed(answer.text))


async def test_code_in_a_path_stays_text(browser: Browser) -> None:
    check(await browser.page(f"/{quote(scene.EVIL)}", 404))


async def test_a_line_of_the_log_is_text_when_it_is_followed_too(evil: Browser) -> None:
    page = await evil.page("/logs")

    check(page)
    assert len(page.all("details")) > 8


async def test_the_twins_are_json_whatever_they_hold(evil: Browser) -> None:
    for page in PAGES:
        answer = await evil.get(page.twin + IDS.get(page.path, ""))
        assert "application/json" == answer.headers["content-type"]
        assert answer.json()
