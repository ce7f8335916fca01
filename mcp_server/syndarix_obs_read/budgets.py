"""Budgets as the answers see them: those of the file, those that programs declared, and what the guard has counted."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from syndarix_obs.errors import SettingsError as WrongFile
from syndarix_obs.errors import StoreError
from syndarix_obs.guarding.accounts import Account, read
from syndarix_obs.guarding.budgets import Budget, load
from syndarix_obs.guarding.definition import parsed
from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.users import pseudonym_of

Source = Literal["file", "code"]


@dataclass(frozen=True, slots=True)
class Known:
    """A budget, where it is declared, and its accounts on this machine."""

    budget: Budget
    source: Source
    accounts: tuple[Account, ...] = ()


def known(settings: ReadSettings) -> list[Known]:
    """All budgets: the file's in their order, then those that programs of this machine declared.

    Raises:
        SettingsError: the file of budgets is wrong, or the guard's cannot be read.
    """
    try:
        of_file = () if settings.budgets_file is None else load(settings.budgets_file).budgets
        definitions, accounts = read(settings.home)
    except (WrongFile, StoreError) as error:
        raise SettingsError(str(error)) from None
    named = {each.name for each in of_file}
    found: list[tuple[Budget, Source]] = [(_by_pseudonym(settings, each), "file") for each in of_file]
    for name, text in sorted(definitions.items()):
        if name not in named:
            found.append((parsed(text), "code"))
    return [
        Known(budget, source, tuple(each for each in accounts if each.budget == budget.name))
        for budget, source in found
    ]


def _by_pseudonym(settings: ReadSettings, budget: Budget) -> Budget:
    user = budget.where.get("user")
    if user is None or user.startswith("u_") or user.endswith("*"):
        return budget
    return dataclasses.replace(budget, where={**budget.where, "user": pseudonym_of(settings, user)})
