"""Scores by HTTP: the form on a session's page, and JSON from a program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from web_browser import Browser
from web_scene import run, write

from syndarix_obs.store.location import store_path
from syndarix_obs_read.backends.embedded import EmbeddedBackend


@pytest.fixture
def browser(tmp_path: Path, browser_over: Callable[..., Browser]) -> Browser:
    """A browser over a store of its own, because scores are written to it."""
    home = write(tmp_path, *run())
    return browser_over(home, EmbeddedBackend(store_path(home)))


async def post(browser: Browser, **options: Any) -> httpx.Response:
    """A score with a form token, as the form sends it or as a program does."""
    token = (await browser.get("/form-token")).text
    if "data" in options:
        options["data"] = {**options["data"], "form_token": token}
    else:
        options["headers"] = {"x-form-token": token, **options.get("headers", {})}
    return await browser.client.post("/score", **options)


async def test_a_form_goes_back_to_the_session_which_shows_the_score(browser: Browser) -> None:
    fields = {"session_id": "s-1", "name": "resolved", "value": "true", "type": "outcome", "comment": "by mail"}
    answer = await post(browser, data=fields)
    page = await browser.page("/session?id=s-1")
    assert (303, "/session?id=s-1") == (answer.status_code, answer.headers["location"])
    assert "resolved" in page.text
    assert "by mail" in page.text


async def test_a_program_gets_json_also_for_a_session_that_is_not_there_yet(browser: Browser) -> None:
    answer = await post(browser, json={"session_id": "s-later", "name": "tone", "value": 0.5})
    page = await browser.page("/quality")
    assert (201, True, 0.5) == (answer.status_code, answer.json()["orphaned"], answer.json()["value"])
    assert "1 scores wait for sessions" in page.text


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"name": "tone", "value": 1}, "no session was named"),
        ({"session_id": "s-1", "name": "tone", "value": 1, "colour": "red"}, "no such field: colour"),
        (["tone"], "no such field"),
    ],
)
async def test_what_cannot_be_read_is_explained(browser: Browser, body: object, error: str) -> None:
    answer = await post(browser, json=body)
    assert 400 == answer.status_code
    assert error in answer.json()["error"]


async def test_broken_json_and_a_flood_are_refused(browser: Browser) -> None:
    headers = {"content-type": "application/json"}
    assert 400 == (await post(browser, content=b"{", headers=headers)).status_code
    assert 400 == (await post(browser, content=b"x" * 30_000, headers=headers)).status_code


async def test_a_foreign_web_page_cannot_give_scores(browser: Browser) -> None:
    answer = await post(browser, json={}, headers={"origin": "https://evil.example"})
    assert 403 == answer.status_code
