"""Finds every cause of every difference between a bill and the ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from syndarix_obs_read.analysis.repricing import ZERO, Repricing
from syndarix_obs_read.bills.causes import Found
from syndarix_obs_read.bills.cells import Account, Grid
from syndarix_obs_read.bills.gaps import token_causes
from syndarix_obs_read.bills.money import Ratio, Valued, dollar_causes, ratios, value
from syndarix_obs_read.bills.rates import share_fees
from syndarix_obs_read.bills.unseen import unseen_accounts

SETTLES: Final = timedelta(hours=24)
"""How long after its end a day's report may still grow: usually four hours, at most a day."""

Place = tuple[date, str | None]


@dataclass(frozen=True, slots=True)
class Explained:
    """What was found of a grid. `found` has a list for each day and model; fees have no model."""

    grid: Grid
    settled: frozenset[date]
    unseen: frozenset[Account]
    valued: tuple[Valued, ...]
    learned: Mapping[tuple[str, str], Ratio]
    found: Mapping[Place, list[Found]]


def explain(grid: Grid, repricing: Repricing, watched: Collection[str], now: datetime) -> Explained:
    """Explain a grid.

    Args:
        grid: bill and ledger.
        repricing: the prices that calls are priced with.
        watched: keys and projects that are known to be recorded here, if any are.
        now: when the bill was read.
    """
    provider = grid.bill.provider
    days = {*(cell.day for cell in grid), *(fee.day for fee in grid.fees)}
    settled = frozenset(day for day in days if _end(day) + SETTLES <= now)
    unseen = unseen_accounts(grid, settled, watched) if grid.has_tokens else frozenset()
    parts = token_causes(grid, unseen, settled) if grid.has_tokens else {}
    share_fees(grid, repricing)
    tiers = {line.tier for line in grid.bill.costs if line.tier is not None}
    valued = tuple(value(cell, repricing, provider, tiers) for cell in grid)
    learned = ratios(valued, settled, grid.rounding) if grid.has_tokens and grid.has_costs else {}
    paid = {line.day for line in grid.bill.costs}
    found: dict[Place, list[Found]] = {}
    for each in valued:
        place = each.cell.day, each.cell.model
        final = each.cell.day in settled and each.cell.day in paid
        found[place] = dollar_causes(each, parts.get(place, ()), learned, settled=final, rounding=grid.rounding)
    for day in sorted({fee.day for fee in grid.fees}):
        found[day, None] = _fees(grid, day)
    return Explained(grid, settled, unseen, valued, learned, found)


def seen_fees(grid: Grid, day: date) -> Decimal:
    """What our calls of a day cost beside their tokens."""
    return sum((cell.seen_fees for cell in grid if cell.day == day), ZERO)


def _fees(grid: Grid, day: date) -> list[Found]:
    lines = [fee for fee in grid.fees if fee.day == day]
    difference = sum((fee.usd for fee in lines), ZERO) - seen_fees(grid, day)
    items = ", ".join(sorted({fee.item for fee in lines}))
    return [Found("fees", day, None, difference, who=items)] if difference else []


def _end(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
