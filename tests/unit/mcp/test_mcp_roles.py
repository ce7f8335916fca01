"""Over the network a tool gives what the role of the token allows, and notes who read texts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import mcp_scene as scene
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from syndarix_obs_read.answers.audit import list_audit
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.mcp.http import build_app
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange

ROLES = ("read-only", "operator", "privacy")
TEXT = "refund refund"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return scene.write(tmp_path / "home", *scene.run(size=400))


@asynccontextmanager
async def started(app: Any) -> AsyncIterator[None]:
    """The application between its start and its end, as a server tells it of them."""
    told: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    said: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    running = asyncio.ensure_future(app({"type": "lifespan", "asgi": {"version": "3.0"}}, told.get, said.put))
    await told.put({"type": "lifespan.startup"})
    assert "lifespan.startup.complete" == (await said.get())["type"]
    yield
    await told.put({"type": "lifespan.shutdown"})
    await running


@asynccontextmanager
async def tools(home: Path, tmp_path: Path, role: str) -> AsyncIterator[Client]:
    """A client with a token of a role, without a network in between."""
    path = tmp_path / "tokens"
    path.write_text("".join(f"{each} {each}-name 0123456789abcdef-{each}\n" for each in ROLES))
    path.chmod(0o600)
    app: Any = build_app(ReadSettings(home=home, writes=True), Address("127.0.0.1", token_file=path))
    headers = {"Authorization": f"Bearer 0123456789abcdef-{role}"}
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with (
        started(app),
        httpx.AsyncClient(transport=transport, headers=headers) as http,
        Client(streamable_http_client("http://127.0.0.1:8765/mcp", http_client=http)) as client,
    ):
        yield client


async def trail(home: Path) -> list[str]:
    backend = EmbeddedBackend(home / "store.sqlite3")
    found = await list_audit(backend, home, TimeRange(0, time.time_ns() + 1, "all"), 100)
    await backend.close()
    return [f"{each.who} {each.detail}" for each in found.entries]


async def test_texts_are_for_roles_that_may_read_them_and_each_reading_is_noted(home: Path, tmp_path: Path) -> None:
    asked = {"trace_id": scene.TRACE, "payloads": True}
    async with tools(home, tmp_path, "read-only") as client:
        assert TEXT not in str(await client.call_tool("get_trace", asked))
        assert "operator or privacy" in str(await client.call_tool("search_logs", {"text": "refund"}))
        assert "operator may" in str(await client.call_tool("give_score", SCORE))
    assert [] == await trail(home)
    async with tools(home, tmp_path, "operator") as client:
        assert TEXT in str(await client.call_tool("get_trace", asked))
    (entry,) = await trail(home)
    assert entry.startswith("operator-name (operator) tool get_trace: ")
    assert TEXT not in entry


SCORE = {"session_id": "s-1", "name": "tone", "value": "1"}
