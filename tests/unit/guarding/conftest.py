"""A platform with budgets, and accounts of one's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from syndarix_obs.testing import Kit, recording


@pytest.fixture
def watched() -> Iterator[Kit]:
    """A platform with `auto_instrument` on."""
    with recording() as kit:
        kit.obs.auto_instrument()
        yield kit
