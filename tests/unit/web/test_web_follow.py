"""Lines as they arrive: each drawn as on the page, the end when the reader goes or the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import web_scene as scene
from starlette.responses import StreamingResponse
from web_browser import Browser, Parsed

from syndarix_obs.store.location import store_path
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import BackendUnavailable
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.asked import Asked
from syndarix_obs_read.web.follow import stream


class Scripted(EmbeddedBackend):
    """The embedded backend with lines that arrive as a test wants; then it waits, or cannot be reached."""

    def __init__(self, path: Path, lines: list[dict[str, Any]], *, breaks: bool = False) -> None:
        super().__init__(path)
        self._lines = lines
        self._breaks = breaks
        self.left = asyncio.Event()

    async def follow(self, where: Filter) -> AsyncIterator[StoredRecord]:
        try:
            for each in self._lines:
                yield StoredRecord(each, "warning", {"message": scene.EVIL})
            if self._breaks:
                raise BackendUnavailable(scene.DOWN)
            await asyncio.Event().wait()
        finally:
            self.left.set()


def asked(backend: EmbeddedBackend, **given: str) -> Asked:
    """A request to follow."""
    return Asked(backend, ReadSettings(), "/logs/follow", given, "24h")


async def events(backend: EmbeddedBackend, ending: list[bool]) -> AsyncIterator[str]:
    """What a reader gets."""
    answer = await stream(asked(backend), lambda: bool(ending))
    assert isinstance(answer, StreamingResponse)
    assert "text/event-stream" == answer.media_type
    async for each in answer.body_iterator:
        yield str(each)


LINE = {"kind": "app", "logger": "desk", "start_ns": scene.START, "trace_id": scene.TRACE, "span_id": "07"}


async def test_a_line_comes_as_the_page_draws_it_and_on_one_line(tmp_path: Path) -> None:
    ending: list[bool] = []
    got = []
    async for each in events(Scripted(store_path(tmp_path), [LINE]), ending):
        got.append(each)
        if len(got) == 3:
            ending.append(True)

    assert [": hello\n\n", "event: begin\ndata: \n\n"] == got[:2]
    assert got[2].startswith("event: line\ndata: <li")
    page = Parsed(got[2])
    assert [] == page.all("script") + page.all("img")
    assert "<script>alert(1)</script>" in page.text


async def test_a_server_that_stops_ends_what_is_followed_and_the_backend_is_let_go(tmp_path: Path) -> None:
    backend = Scripted(store_path(tmp_path), [LINE])
    stopped: list[bool] = []
    reader = events(backend, stopped)
    assert "hello" in await anext(reader)
    assert "begin" in await anext(reader)
    assert "line" in await anext(reader)
    stopped.append(True)
    with pytest.raises(StopAsyncIteration):
        await anext(reader)
    await asyncio.wait_for(backend.left.wait(), 5)


async def test_a_server_that_stops_does_not_wait_for_the_next_line(tmp_path: Path) -> None:
    stopped: list[bool] = []
    got = []
    async with asyncio.timeout(5):
        async for each in events(Scripted(store_path(tmp_path), []), stopped):
            got.append(each)
            if "begin" in each:
                stopped.append(True)

    assert [": hello", "event: begin", ": still here"] == [each.splitlines()[0] for each in got]


async def test_a_backend_that_breaks_says_so_and_ends(tmp_path: Path) -> None:
    got = [each async for each in events(Scripted(store_path(tmp_path), [], breaks=True), [])]

    assert f"event: problem\ndata: {scene.DOWN}\n\n" == got[-1]


async def test_words_that_cannot_be_read_are_refused(browser: Browser) -> None:
    assert "there is no level" in (await browser.json("/logs/follow?level=odd", 400))["error"]


async def test_the_page_names_what_its_button_follows(browser: Browser) -> None:
    button = next(each for each in (await browser.page("/logs?level=warning&since=7d")).all("button")
                  if each.get("id") == "follow")  # fmt: skip

    assert "/logs/follow?level=warning" == button["data-source"]
    assert "hidden" in button
