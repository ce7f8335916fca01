"""Homes with a scene, and the explorer over them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import web_scene as scene
from web_browser import Browser

from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.app import build_app


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a failing run and one of another session; read it only."""
    records = (*scene.run(), *scene.run(scene.OTHER, 60, session_id="s/../2?x=1&y#z", agent="triage"))
    return scene.write(tmp_path_factory.mktemp("web"), *records)


@pytest.fixture(scope="session")
def hostile_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose records hold code in every field; read it only."""
    return scene.write(tmp_path_factory.mktemp("hostile"), *scene.hostile())


@pytest.fixture
async def browser_over() -> AsyncIterator[Callable[..., Browser]]:
    """Makes a browser over a home, or over a backend that is given."""
    clients: list[httpx.AsyncClient] = []

    def over(
        home: Path, backend: Backend | None = None, address: Address | None = None, **settings: Any
    ) -> Browser:
        app = build_app(
            ReadSettings(home=home, rate_limit=0, **settings), address or Address(port=8766), backend=backend
        )
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8766"))
        return Browser(clients[-1])

    yield over
    for client in clients:
        await client.aclose()


@pytest.fixture
def browser(home: Path, browser_over: Callable[..., Browser]) -> Browser:
    """A browser over the small home."""
    return browser_over(home)
