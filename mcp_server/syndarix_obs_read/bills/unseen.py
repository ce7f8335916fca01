"""Which keys are used by something that is not recorded here: those whose tokens are just what is missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from syndarix_obs_read.bills.cells import Account, Cell, Grid
from syndarix_obs_read.bills.model import CLASSES

_ALL_SUBSETS = 12
"""Up to so many accounts every choice is tried; of more, one after the other is taken as long as it helps."""
_HELPS = 0.5
"""Share of an account's own tokens by which it must make what is missing smaller."""

Vector = NDArray[np.float64]


def unseen_accounts(grid: Grid, settled: Collection[date], watched: Collection[str] = ()) -> frozenset[Account]:
    """Accounts of which nothing is seen.

    Args:
        grid: bill and ledger.
        settled: days whose report is final; others say nothing about this.
        watched: keys and projects that are known to be recorded here; with any, all others are unseen.
    """
    accounts = sorted({account for cell in grid for account in cell.accounts}, key=str)
    if watched:
        return frozenset(each for each in accounts if not set(each) & set(watched))
    cells = [cell for cell in grid if cell.day in settled]
    if not cells or not accounts:
        return frozenset()
    used = np.array([[count for cell in cells for count in _of_account(cell, each)] for each in accounts])
    missing = np.array([count for cell in cells for count in _missing(cell)])
    chosen = _every_choice(used, missing) if len(accounts) <= _ALL_SUBSETS else _one_by_one(used, missing)
    return frozenset(accounts[place] for place in _helpful(chosen, used, missing))


def _of_account(cell: Cell, account: Account) -> list[float]:
    sums = cell.accounts.get(account)
    tokens = sums.by_class() if sums else {}
    return [float(tokens.get(name, 0)) for name in CLASSES]


def _missing(cell: Cell) -> list[float]:
    found = dict.fromkeys(CLASSES, 0.0)
    for (_, name), count in cell.gap.items():
        found[name] += count
    return list(found.values())


def _every_choice(used: Vector, missing: Vector) -> list[int]:
    """The choice that leaves the least unexplained; of equals the smallest."""
    count = len(used)
    choices = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
    left = np.array([np.abs(missing - choice @ used).sum() for choice in choices])
    sizes = choices.sum(axis=1)
    best = min(range(len(choices)), key=lambda place: (left[place], sizes[place]))
    return [place for place in range(count) if choices[best][place]]


def _one_by_one(used: Vector, missing: Vector) -> list[int]:
    chosen: list[int] = []
    left = missing.copy()
    while True:
        gains = [
            -np.inf if place in chosen else float(np.abs(left).sum() - np.abs(left - row).sum())
            for place, row in enumerate(used)
        ]
        best = int(np.argmax(gains))
        if gains[best] <= 0:
            return chosen
        chosen.append(best)
        left = left - used[best]


def _helpful(chosen: Sequence[int], used: Vector, missing: Vector) -> list[int]:
    """Without those that explain little of what they are: a small key hides in any gap."""
    left = missing - used[list(chosen)].sum(axis=0) if chosen else missing
    without = {place: float(np.abs(left + used[place]).sum() - np.abs(left).sum()) for place in chosen}
    return [place for place in chosen if without[place] > _HELPS * used[place].sum()]
