"""Names to choose from: remembered, asked again after a while, and never waited for."""

from __future__ import annotations

import asyncio
from pathlib import Path

from syndarix_obs.store.location import store_path
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.web.names import Names


class Counted(EmbeddedBackend):
    """The embedded backend; counts questions, and holds the answer back while `held` is not set."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked = 0
        self.held = asyncio.Event()
        self.held.set()

    async def extent(self) -> tuple[int, int] | None:
        self.asked += 1
        await self.held.wait()
        return await super().extent()


async def test_names_are_asked_for_once_in_a_while(home: Path) -> None:
    now = [0.0]
    backend = Counted(store_path(home))
    names = Names(backend, clock=lambda: now[0])

    assert ("support", "triage") == (await names.known())["agent"]
    await names.known()
    assert 1 == backend.asked
    now[0] = 31.0
    async with asyncio.timeout(5):
        while backend.asked < 2:
            assert "acme" in (await names.known())["project"]
            await asyncio.sleep(0)
    await names.close()
    assert 2 == backend.asked
    await backend.close()


async def test_a_page_does_not_wait_long_for_names_and_has_them_later(home: Path) -> None:
    backend = Counted(store_path(home))
    backend.held.clear()
    names = Names(backend)

    assert {} == await names.known()
    backend.held.set()
    while not (known := await names.known()):
        pass
    assert "acme" in known["project"]
    await names.close()
    await backend.close()


async def test_names_that_take_long_are_asked_for_less_often(home: Path) -> None:
    now = [0.0]
    backend = Counted(store_path(home))
    backend.held.clear()
    names = Names(backend, clock=lambda: now[0])
    await names.known()
    now[0] = 4.0
    backend.held.set()
    while not await names.known():
        pass
    now[0] = 199.0
    await names.known()
    await names.close()

    assert 1 == backend.asked
    await backend.close()


async def test_closing_stops_asking(home: Path) -> None:
    backend = Counted(store_path(home))
    backend.held.clear()
    names = Names(backend)
    await names.known()
    await names.close()

    assert {} == await names.known()
    await backend.close()
