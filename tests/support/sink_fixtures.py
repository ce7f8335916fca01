"""Fixtures of the exporters' tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripted_sink import Ledger, ScriptedSink

from syndarix_obs.delivery.disk_budget import DiskBudget
from syndarix_obs.delivery.spooled import Post
from syndarix_obs.destinations.loki import LokiDestination


@pytest.fixture
def health() -> Ledger:
    """Counts of drops, cuts and failures."""
    return Ledger()


@pytest.fixture
def sink() -> Iterator[ScriptedSink]:
    """A server that takes everything until it is told otherwise."""
    made = ScriptedSink()
    yield made
    made.stop()


@pytest.fixture
def post(tmp_path: Path, health: Ledger) -> Post:
    """Spools in a fresh folder."""
    return Post(tmp_path / "spool", DiskBudget(64 * 1024 * 1024), health, timeout=10.0)


@pytest.fixture
def loki(sink: ScriptedSink, post: Post) -> Iterator[Callable[[], LokiDestination]]:
    """Makes Loki exporters that send to the sink; closes them in the end."""
    made: list[LokiDestination] = []

    def make() -> LokiDestination:
        made.append(LokiDestination(sink.url, post, tenant="team-a"))
        return made[-1]

    yield make
    sink.release.set()
    for exporter in made:
        exporter.close(2.0)
