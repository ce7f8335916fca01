"""Real Loki and Tempo from the repository's own configuration, on free ports, and what they hold."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from syndarix_obs_stack.launcher import Stack, running_stack
from syndarix_obs_stack.options import Options, Ports
from syndarix_obs_stack.servers import SERVERS, find

ROOT = Path(__file__).resolve().parents[3]
DEADLINE_S = 30.0


@contextmanager
def server(name: str, folder: Path) -> Iterator[Stack]:
    """One server for the length of the block; skips by name where it is not on the PATH."""
    found, _ = find([each for each in SERVERS if each.name == name])
    if not found:
        pytest.skip(f"{name} is not on the PATH")
    (folder / "secrets").mkdir()
    names = [each.name for each in fields(Ports)]
    ports = Ports(**dict(zip(names, _free_ports(len(names)), strict=True)))
    options = Options(ROOT, folder / "data", folder / "secrets", ports, {"RETENTION_DAYS": "30"})
    with running_stack(options, only=[name]) as stack:
        yield stack


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def get(port: int, path: str, **query: Any) -> Any:
    """The JSON answer to a GET."""
    url = f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode(query)}"
    request = urllib.request.Request(url, headers={"X-Loki-Response-Encoding-Flags": "categorize-labels"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def until(condition: Callable[[], Any], seconds: float = DEADLINE_S) -> None:
    """Wait for something that a server does."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        pause.wait(0.05)


class Ledger:
    """A `Health` that counts."""

    def __init__(self) -> None:
        self.drops: dict[str, int] = {}
        self.cuts: dict[str, int] = {}
        self.failures = 0
        self.sizes: dict[str, int] = {}

    def dropped(self, reason: str, count: int = 1) -> None:
        self.drops[reason] = self.drops.get(reason, 0) + count

    def truncated(self, site: str, count: int = 1) -> None:
        self.cuts[site] = self.cuts.get(site, 0) + count

    def export_failed(self, destination: str) -> None:
        self.failures += 1

    def spool_bytes(self, destination: str, size: int) -> None:
        self.sizes[destination] = size
