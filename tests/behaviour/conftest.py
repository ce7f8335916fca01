"""The scene in SQLite, and the stack as it was recorded with the same scene."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import behaviour_scene as scene
import pytest
import recorded_servers as recorded

from syndarix_obs.identity import Identity
from syndarix_obs.store.location import store_path
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.stack import StackBackend

RECORDING = Path(__file__).parent / "recordings" / "scene.json.gz"


@pytest.fixture(scope="session")
def recording() -> tuple[int, dict[str, object]]:
    """When the stack was recorded, and its answers."""
    return recorded.load(RECORDING)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, recording: tuple[int, dict[str, object]]) -> Path:
    """A home folder with the scene, told at the time of the recording."""
    home = tmp_path_factory.mktemp("scene")
    scene.tell(home, recording[0])
    return home


@pytest.fixture
def now_ns(recording: tuple[int, dict[str, object]]) -> int:
    """The scene's now."""
    return recording[0]


@pytest.fixture
async def embedded(home: Path) -> AsyncIterator[EmbeddedBackend]:
    """The scene in SQLite."""
    found = EmbeddedBackend(store_path(home))
    yield found
    await found.close()


@pytest.fixture
async def stack(recording: tuple[int, dict[str, object]]) -> AsyncIterator[StackBackend]:
    """The scene in the stack, as recorded."""
    found = StackBackend(recorded.options(recorded.player(recording[1]), recording[0]))
    yield found
    await found.close()


@pytest.fixture
def pseudonym(home: Path) -> Callable[[str], str]:
    """From a user's name to the pseudonym in the records."""
    return Identity(home, (home / "key").read_bytes()).pseudonym
