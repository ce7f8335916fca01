"""The end of the regression's story: the watch looks once, and the alert of its episode arrives at a local receiver."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.answers.anomalies import Anomaly, list_anomalies
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import parse_range
from syndarix_obs_read.watching.channels import Webhook
from syndarix_obs_read.watching.tell import Telling
from syndarix_obs_read.watching.watch import Watch

AGENT = "support"
"""Whose prompt got worse, or whose tool never answered."""
_MOST_BYTES = 1_000_000


@dataclass(slots=True)
class Receiver:
    """What arrived, as Alertmanager's webhook would bring it."""

    url: str = ""
    alerts: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver of alerts on a free loopback port."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = min(int(self.headers.get("Content-Length") or 0), _MOST_BYTES)
            found.alerts += json.loads(self.rfile.read(size))["alerts"]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Nothing: the demo says itself what arrived."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True, slots=True)
class Alarm:
    """What the watch found.

    Args:
        alerts: those that arrived at the receiver.
        episode: the heaviest one of the agent that the story is about; None when there is none.
        cost: the heaviest one of what that agent costs.
    """

    alerts: tuple[dict[str, Any], ...]
    episode: Anomaly | None
    cost: Anomaly | None = None


def look(home: Path) -> Alarm:
    """Look once at an embedded store, with a local receiver for the alerts."""
    with receiving() as receiver:
        episodes = asyncio.run(_look(ReadSettings(home=home, backend="embedded"), receiver.url))
    mine = [each for each in episodes if each.agent == AGENT]
    mine.sort(key=lambda each: each.score, reverse=True)
    cost = next((each for each in mine if each.series == "cost"), None)
    return Alarm(tuple(receiver.alerts), mine[0] if mine else None, cost)


async def _look(settings: ReadSettings, url: str) -> tuple[Anomaly, ...]:
    backend = open_backend(settings)
    try:
        with ObservabilityPlatform(Settings(home=settings.home, backend="embedded", set_global=False)) as platform:
            await Watch(backend, platform, Telling(None, lambda _labels: (Webhook("demo", url),)), settings).look()
            platform.flush()
        return (await list_anomalies(backend, Filter(), parse_range("2d"), 100)).anomalies
    finally:
        await backend.close()
