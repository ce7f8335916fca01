"""That something was recorded reaches whoever looks, and nobody is told of what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import web_scene as scene

from syndarix_obs.store.location import store_path
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import BackendUnavailable
from syndarix_obs_read.web import live


async def events(stream: AsyncIterator[Any], until: str) -> list[str]:
    """Events up to the first that begins so."""
    found: list[str] = []
    async for each in stream:
        found.append(each)
        if each.startswith(until):
            break
    return found


async def test_news_come_when_something_is_recorded(tmp_path: Path) -> None:
    home = scene.write(tmp_path)
    backend = EmbeddedBackend(store_path(home))
    response: Any = live.stream(backend, lambda: False)
    stream = response.body_iterator
    async with asyncio.timeout(10):
        begun = await events(stream, "event: begin")
        scene.write(home, *scene.run())
        found = await events(stream, "event: news")
    await stream.aclose()
    await backend.close()

    assert [": hello\n\n", "event: begin\ndata: \n\n"] == begun
    assert found[-1].startswith("event: news\ndata: ")
    assert "order" not in "".join(found)


async def test_it_ends_with_the_server(tmp_path: Path) -> None:
    home = scene.write(tmp_path)
    backend = EmbeddedBackend(store_path(home))
    response: Any = live.stream(backend, lambda: True)
    found = [each async for each in response.body_iterator]
    await backend.close()

    assert [": hello\n\n"] == found


class Down:
    """A backend that cannot be reached."""

    name = "stack"

    async def follow(self, where: Filter) -> AsyncIterator[StoredRecord]:
        raise BackendUnavailable("cannot reach Loki")
        yield StoredRecord({})


DOWN: Any = Down()


async def test_a_backend_that_is_down_is_named() -> None:
    response: Any = live.stream(DOWN, lambda: False)
    found = [each async for each in response.body_iterator]

    assert "event: problem\ndata: cannot reach Loki\n\n" == found[-1]


async def test_the_stream_is_no_page_that_is_kept() -> None:
    response = live.stream(DOWN, lambda: True)

    assert "no-store" == response.headers["cache-control"]
    assert "text/event-stream; charset=utf-8" == response.headers["content-type"]
