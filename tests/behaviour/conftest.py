"""The scene in SQLite, and in the stack: as it was recorded, and in real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import behaviour_scene as scene
import live_scene
import pytest
import recorded_servers as recorded

from syndarix_obs.identity import Identity
from syndarix_obs.store.location import store_path
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.stack.backend import StackBackend
from syndarix_obs_stack.servers import SERVERS, find

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


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live_scene.World]:
    """The scene in real servers; skips, naming what is missing, where they are not on the PATH."""
    found, _ = find([server for server in SERVERS if server.name in live_scene.NEEDED])
    missing = sorted(set(live_scene.NEEDED) - {each.server.name for each in found})
    if missing:
        pytest.skip(f"not on the PATH: {', '.join(missing)}")
    with live_scene.told(tmp_path_factory.mktemp("live")) as world:
        yield world
