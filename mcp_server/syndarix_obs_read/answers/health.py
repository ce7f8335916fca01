"""Is the pipeline itself healthy?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import Check


class HealthReport(Answer):
    """All parts; `state` is that of the worst."""

    state: Literal["ok", "warning", "failing"]
    checks: tuple[Check, ...]


async def check_health(backend: Backend) -> HealthReport:
    """Look at every part of the pipeline that the backend can see; never raises for a part that is down."""
    found = await backend.health()
    return HealthReport(backend=backend.name, state=worst(found), checks=once(found))


def worst(checks: Iterable[Check]) -> Literal["ok", "warning", "failing"]:
    """The state of the worst of some checks."""
    states = {each.state for each in checks}
    return "failing" if "failing" in states else "warning" if "warning" in states else "ok"


def once(checks: Iterable[Check]) -> tuple[Check, ...]:
    """The checks, one cause told once: what cannot be looked at for the same reason is named behind the first."""
    found: dict[str, list[Check]] = {}
    for number, each in enumerate(checks):
        cause = each.finding if each.state == "failing" else f"{number} {each.name}"
        found.setdefault(cause, []).append(each)
    return tuple(first if not rest else _with_others(first, rest) for first, *rest in found.values())


def _with_others(first: Check, rest: list[Check]) -> Check:
    names = ", ".join(dict.fromkeys(each.name for each in rest))
    return first.model_copy(update={"finding": f"{first.finding}; so nothing is known of: {names}"})
