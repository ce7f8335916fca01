"""Budgets: can they be read, and are they about anything that is there?"""

from __future__ import annotations

from syndarix_obs_read.answers.budgets import unknown_names
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import Check
from syndarix_obs_read.budgets import known
from syndarix_obs_read.settings import ReadSettings


async def checks(settings: ReadSettings, backend: Backend) -> list[Check]:
    """Read the budgets, and look for what they name; a budget may be older than the project that it is for."""
    found = known(settings)
    if not found:
        return [Check(name="budgets", state="ok", finding="none is declared")]
    unknown = await unknown_names(backend, [each.budget for each in found])
    counted = f"{len(found)} declared"
    if not unknown:
        return [Check(name="budgets", state="ok", finding=counted)]
    return [
        Check(
            name="budgets", state="warning", finding=f"{counted}; nothing recorded has {', '.join(unknown)}",
            mend="correct the budgets file, unless that work is yet to begin; `syndarix-obs names project` lists them",
        )
    ]  # fmt: skip
