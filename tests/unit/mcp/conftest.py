"""Homes with a scene, and servers over them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import mcp_scene as scene
import pytest
from fake_bill import ADMIN, FakeProvider, served_on

from syndarix_obs_read.settings import ReadSettings


@pytest.fixture(scope="session")
def bill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Settings by which a provider's bill is read."""
    key = tmp_path_factory.mktemp("keys") / "openai"
    key.write_text(ADMIN["openai"])
    provider = FakeProvider("openai", datetime.now(UTC))
    provider.call("gpt-4o-mini-2024-07-18", datetime.now(UTC).replace(hour=0, minute=0), input=1000, output=100)
    with served_on(provider) as url:
        yield {"ADMIN_KEY_FILE": str(key), "ADMIN_URL": f"{url}/v1"}


@pytest.fixture(autouse=True)
def bill_can_be_read(
    bill: dict[str, str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Every server of these tests may read it; the tests of the command are about a bare environment."""
    if request.path.stem == "test_mcp_command":
        return
    for name, value in bill.items():
        monkeypatch.setenv(f"SYNDARIX_OBS_READ_OPENAI_{name}", value)


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
