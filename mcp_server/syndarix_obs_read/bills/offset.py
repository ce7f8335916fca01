"""At which hour the days of a bill begin, where its source does not say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from syndarix_obs_read.bills.cells import Grid, side_by_side
from syndarix_obs_read.bills.model import Bill
from syndarix_obs_read.bills.seen import MARGIN_H, SeenLine

_CLEARLY = 0.5
"""Share of the differences that must go away before days are taken to be others than those of UTC."""


def hours_off(bill: Bill, seen: Sequence[SeenLine], first: date, end: date) -> int:
    """Hours after midnight UTC at which days begin, 0 unless another hour explains clearly more."""
    by_hour = {hours: distance(side_by_side(bill, seen, first, end, hours)) for hours in range(1 - MARGIN_H, MARGIN_H)}
    best = min(by_hour, key=lambda hours: (by_hour[hours], abs(hours)))
    return best if by_hour[best] < (1 - _CLEARLY) * by_hour[0] else 0


def distance(grid: Grid) -> float:
    """How far bill and ledger lie apart: tokens, or dollars where the bill tells no tokens."""
    if grid.has_tokens:
        return float(sum(abs(count) for cell in grid for count in cell.gap.values()))
    return float(sum(abs(cell.billed_usd - cell.seen_usd) for cell in grid))


def misplaced(grid: Grid) -> float:
    """Share of the billed tokens that stand in another cell than the seen ones; 0 without tokens."""
    billed = sum(sum(cell.billed.tokens.values()) for cell in grid)
    return distance(grid) / billed if billed and grid.has_tokens else 0.0
