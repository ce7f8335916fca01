"""The small world of `read_scene.py`, as a file, a backend and a period."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import read_scene as scene

from syndarix_obs.store.location import store_path
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.timerange import TimeRange


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with the whole scene; read it only."""
    home = tmp_path_factory.mktemp("world")
    scene.write(store_path(home), *scene.refund(), *scene.loop(), *scene.live())
    return home


@pytest.fixture
async def backend(world: Path) -> AsyncIterator[EmbeddedBackend]:
    """The backend over the scene."""
    found = EmbeddedBackend(store_path(world))
    yield found
    await found.close()


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[EmbeddedBackend]:
    """A backend over a store without records."""
    scene.write(store_path(tmp_path))
    found = EmbeddedBackend(store_path(tmp_path))
    yield found
    await found.close()


@pytest.fixture
def week() -> TimeRange:
    """The seven days up to the scene's now."""
    return TimeRange(scene.NOW - 7 * scene.DAY, scene.NOW, "the last 7d")
