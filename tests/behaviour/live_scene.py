"""The scene in real servers: started, told, waited for."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import behaviour_scene as scene

from syndarix_obs_read.backends.stack.backend import StackBackend, StackOptions
from syndarix_obs_stack.launcher import running_stack
from syndarix_obs_stack.options import HOST, Options, Ports

ROOT = Path(__file__).parents[2]
NEEDED = ("prometheus", "alertmanager", "loki", "tempo")
_SPANS_S = 30


@dataclass(frozen=True)
class World:
    """The scene in SQLite and in servers."""

    home: Path
    now_ns: int
    ports: Ports

    @property
    def urls(self) -> dict[str, str]:
        """Base URLs by server."""
        return {name: f"http://{HOST}:{getattr(self.ports, name)}" for name in NEEDED}


def free_ports() -> Ports:
    """Ports that were free a moment ago."""
    sockets = [socket.socket() for _ in fields(Ports)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return Ports(**{f.name: s.getsockname()[1] for f, s in zip(fields(Ports), sockets, strict=True)})
    finally:
        for each in sockets:
            each.close()


@contextmanager
def told(folder: Path) -> Iterator[World]:
    """Servers with the scene, for the length of a `with` block."""
    home, secrets = folder / "home", folder / "secrets"
    home.mkdir()
    secrets.mkdir()
    ports = free_ports()
    with running_stack(Options(ROOT, folder / "data", secrets, ports, {}), only=NEEDED):
        world = World(home, time.time_ns(), ports)
        scene.tell(home, world.now_ns, backend="both", loki_url=world.urls["loki"],
                   otlp_endpoint=f"http://{HOST}:{ports.otlp_http}")  # fmt: skip
        _deliver_twice(world)
        asyncio.run(_searchable(world))
        yield world


def _deliver_twice(world: World) -> None:
    """Lines that came again under another time, as after an answer that got lost: they must count once."""
    loki = world.urls["loki"]
    query = urllib.parse.urlencode({"query": '{kind=~"cost|llm_call"} | model="gpt-4o"', "limit": "100"})
    request = urllib.request.Request(
        f"{loki}/loki/api/v1/query_range?{query}",
        headers={"X-Loki-Response-Encoding-Flags": "categorize-labels"},
    )
    streams = json.load(urllib.request.urlopen(request))["data"]["result"]
    for stream in streams:
        stream["values"] = [
            [str(int(ts) + 1), line, extra.get("structuredMetadata", {})] for ts, line, extra in stream["values"]
        ]
    body = json.dumps({"streams": [{"stream": s["stream"], "values": s["values"]} for s in streams]}).encode()
    push = urllib.request.Request(f"{loki}/loki/api/v1/push", body, {"Content-Type": "application/json"})
    assert urllib.request.urlopen(push).status == 204
    assert streams, "nothing was there to deliver again"


async def _searchable(world: World) -> None:
    """Return once Tempo finds the newest trace of plain spans."""
    backend = StackBackend(StackOptions(**world.urls))
    deadline = time.monotonic() + _SPANS_S
    query = '{ name = "GET /health" }'
    while not (
        await backend.query_traces(query, world.now_ns - scene.BEFORE_NOW, time.time_ns() + scene.MINUTE, 5)
    ).rows:
        assert time.monotonic() < deadline, "Tempo does not find the spans"
        await asyncio.sleep(0.1)
    await backend.close()
