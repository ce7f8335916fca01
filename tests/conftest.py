"""Shared fixtures: every test starts from a clean global state."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context

from syndarix_obs import guard
from syndarix_obs.testing import Kit, recording

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def clean_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No setting of the developer's shell and no failure count of an earlier test reaches a test."""
    for name in list(os.environ):
        if name.startswith(("SYNDARIX_OBS_", "OTEL_")):
            monkeypatch.delenv(name)
    guard.reset()
    token = otel_context.attach(Context())  # no span that an earlier test left behind is anybody's parent
    yield
    otel_context.detach(token)
    guard.reset()
    # A global provider cannot be taken back, and would trace the clients of every later test.
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider), "a test needs set_global=False"


@pytest.fixture
def kit() -> Iterator[Kit]:
    """A platform that records into memory."""
    with recording() as found:
        yield found


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real inputs; skips where it is not there."""
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data is not on this machine")
    return SHARED_DATA
