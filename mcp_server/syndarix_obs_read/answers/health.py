"""Is the pipeline itself healthy?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import Check
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.next_steps import worded


class HealthReport(Answer):
    """All parts; `state` is that of the worst."""

    state: Literal["ok", "warning", "failing"]
    checks: tuple[Check, ...]


async def check_health(backend: Backend) -> HealthReport:
    """Look at every part of the pipeline that the backend can see; never raises for a part that is down."""
    found = await backend.health()
    return HealthReport(backend=backend.name, state=worst(found), checks=tuple(found))


def worst(checks: Iterable[Check]) -> Literal["ok", "warning", "failing"]:
    """The state of the worst of some checks."""
    states = {each.state for each in checks}
    return "failing" if "failing" in states else "warning" if "warning" in states else "ok"


def broken(name: str, error: Exception) -> Check:
    """A part that could not be looked at: what happened, and the next step that the error carries."""
    if isinstance(error, ReadError):
        return Check(name=name, state="failing", finding=error.message, mend=worded(error.next, "cli") or None)
    return Check(name=name, state="failing", finding=str(error) or type(error).__name__)
