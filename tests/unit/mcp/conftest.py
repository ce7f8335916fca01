"""Homes with a scene, and servers over them."""

from __future__ import annotations

from pathlib import Path

import mcp_scene as scene
import pytest

from syndarix_obs_read.settings import ReadSettings


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one failed run; read it only."""
    return scene.write(tmp_path_factory.mktemp("small"), *scene.run(), *scene.run(scene.OTHER, session_id="s-2"))


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a run of 60 steps of 20 KB payloads; read it only."""
    return scene.write(tmp_path_factory.mktemp("large"), *scene.run(steps=60, size=20_000))


@pytest.fixture
def settings(small: Path) -> ReadSettings:
    """Settings that read the small home."""
    return ReadSettings(home=small)
