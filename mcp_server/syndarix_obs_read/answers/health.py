"""Is the pipeline itself healthy?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import Check


class HealthCheck(Frozen):
    """One part that was looked at."""

    name: str
    state: Literal["ok", "warning", "failing"]
    finding: str
    mend: str | None = Field(default=None, description="How to mend it; null when it is fine.")


class HealthReport(Answer):
    """All parts; `state` is that of the worst."""

    state: Literal["ok", "warning", "failing"]
    checks: tuple[HealthCheck, ...]


async def check_health(backend: Backend) -> HealthReport:
    """Look at every part of the pipeline that the backend can see; never raises for a part that is down."""
    found = await backend.health()
    checks = tuple(
        HealthCheck(name=each.name, state=each.state, finding=each.finding, mend=each.mend) for each in found
    )
    return HealthReport(backend=backend.name, state=worst(found), checks=checks)


def worst(checks: Iterable[Check]) -> Literal["ok", "warning", "failing"]:
    """The state of the worst of some checks."""
    states = {each.state for each in checks}
    return "failing" if "failing" in states else "warning" if "warning" in states else "ok"
