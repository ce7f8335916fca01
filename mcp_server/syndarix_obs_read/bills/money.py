"""Why dollars differ, once it is known why tokens do.

Every part of a cell's difference is valued at the rates of the ledger, so that the parts add up exactly: from what the
ledger says, over the tokens that are billed, to what they cost at our rates; from there to the bill is the price list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from statistics import median
from typing import Final

from syndarix_obs_read.analysis.repricing import ZERO, Repricing
from syndarix_obs_read.bills.causes import Found
from syndarix_obs_read.bills.cells import Cell
from syndarix_obs_read.bills.gaps import Part, TierTokens
from syndarix_obs_read.bills.model import CLASSES, STANDARD
from syndarix_obs_read.bills.rates import NOISE, Rates, rates_of

_NEAR: Final = 0.02
"""How far the ratio of one day may lie from the usual one and be the same price."""
_TINY: Final = Decimal("0.000001")
"""Dollars that nobody looks for."""


@dataclass(slots=True)
class Ratio:
    """What one class of a model's tokens cost on the bill, as a share of our rate, by the days that differ."""

    model: str
    token_class: str
    days: dict[date, float] = field(default_factory=dict)

    @property
    def usual(self) -> float:
        """The middle of the days."""
        return median(self.days.values())


@dataclass(slots=True)
class Valued:
    """The rates of a cell, and what its billed tokens cost at them."""

    cell: Cell
    rates: Rates
    listed: bool
    """False where our list has no price and the rates are the bill's own."""
    in_report: Counter[tuple[str, str]] = field(default_factory=Counter)
    missing: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Billed tokens whose tier the cost report has and leaves out."""

    def value(self, tokens: Mapping[tuple[str, str], int]) -> Decimal:
        """What tokens by tier and class cost."""
        return sum((self.rates[tier][name] * count for (tier, name), count in tokens.items()), ZERO)

    def expected(self, token_class: str) -> Decimal:
        """What the billed tokens of a class cost at our rates, without tiers that the report leaves out."""
        return self.value({key: count for key, count in self.in_report.items() if key[1] == token_class})


def value(cell: Cell, repricing: Repricing, provider: str, tiers_told: Collection[str]) -> Valued:
    """The rates of a cell, and which of its billed tokens the costs hold.

    Args:
        tiers_told: tiers that the bill's costs name; empty where they tell none apart.
    """
    found = Valued(cell, *rates_of(cell, repricing, provider))
    for (tier, name), count in cell.billed.tokens.items():
        left_out = tiers_told and tier not in tiers_told
        (found.missing if left_out else found.in_report)[tier, name] += count
    return found


def ratios(valued: Sequence[Valued], settled: Collection[date], rounding: Decimal) -> dict[tuple[str, str], Ratio]:
    """Classes that the bill prices otherwise, day after day; `rounding` is what rounding can do to one item."""
    found: dict[tuple[str, str], Ratio] = {}
    days: Counter[tuple[str, str]] = Counter()
    for each in valued:
        if not each.listed or each.cell.day not in settled:
            continue
        for name, paid, items in _paid(each.cell):
            expected = each.expected(name)
            if expected <= 0:
                continue
            days[each.cell.model, name] += 1
            if abs(paid - expected) > expected * NOISE + rounding * items:
                ratio = found.setdefault((each.cell.model, name), Ratio(each.cell.model, name))
                ratio.days[each.cell.day] = float(paid / expected)
    return {key: ratio for key, ratio in found.items() if _is_price(ratio, days[key])}


def _is_price(ratio: Ratio, days: int) -> bool:
    """A price lasts: one odd day among many is none."""
    alike = [each for each in ratio.days.values() if abs(each - ratio.usual) <= _NEAR * ratio.usual]
    return ratio.usual > 0 and (len(alike) >= 2 or days <= 2)


def _paid(cell: Cell) -> Iterator[tuple[str, Decimal, int]]:
    """Dollars and number of items by class."""
    for name in CLASSES:
        lines = [line for line in cell.costs if line.token_class == name]
        if lines:
            yield name, sum((line.usd for line in lines), ZERO), len(lines)


def dollar_causes(
    each: Valued,
    parts: Sequence[Part],
    learned: Mapping[tuple[str, str], Ratio],
    *,
    settled: bool,
    rounding: Decimal,
) -> list[Found]:
    """A cell's difference in dollars in parts that add up to it; the tokens of each part with it.

    Args:
        settled: whether the costs of the day are final.
        rounding: what rounding can do to one item of the bill, in dollars.
    """
    cell = each.cell
    found = [_of_part(each, part) for part in parts]
    unpriced = _unpriced(cell)
    if unpriced:
        found.append(Found("unpriced calls", cell.day, cell.model, each.value(unpriced), who=cell.model))
    if not cell.costs and not each.in_report and not each.missing:
        return found  # seen only: its tokens are explained, and so are its dollars
    if any(each.missing.values()):
        tiers = ", ".join(sorted({tier for tier, _ in each.missing}))
        words = f"{tiers}: in the usage report, not in the cost report"
        found.append(Found("service tier", cell.day, cell.model, -each.value(each.missing), who=words))
    found += _price_list(each, learned) if settled else []
    rest = cell.billed_usd - cell.seen_usd - sum((one.usd or ZERO for one in found), ZERO)
    if rest:
        found.append(_rest(cell, rest, settled, rounding))
    return found


def _of_part(each: Valued, part: Part) -> Found:
    tokens: Counter[str] = Counter()
    for (tier, name), count in part.tokens.items():
        if not part.shift or tier != STANDARD:
            tokens[name] += count
    cell = each.cell
    return Found(part.cause, cell.day, cell.model, each.value(part.tokens), tokens, part.who)


def _unpriced(cell: Cell) -> TierTokens:
    found: TierTokens = Counter()
    for line in cell.seen:
        if line.usd is None:
            for name, count in line.tokens.items():
                found[line.tier, name] += count
    return found


def _price_list(each: Valued, learned: Mapping[tuple[str, str], Ratio]) -> Iterator[Found]:
    cell = each.cell
    for name, paid, _ in _paid(cell):
        ratio = learned.get((cell.model, name))
        if ratio is not None and cell.day in ratio.days:
            words = f"{name} at {ratio.days[cell.day]:.3g} of our rate"
            yield Found("price list", cell.day, cell.model, paid - each.expected(name), who=words)


def _rest(cell: Cell, rest: Decimal, settled: bool, rounding: Decimal) -> Found:
    if not settled:
        return Found("late bucket", cell.day, cell.model, rest, who="the costs of the day")
    small = max(rounding * len(cell.costs), abs(cell.billed_usd) * NOISE, _TINY)
    return Found("rounding" if abs(rest) <= small else "unexplained", cell.day, cell.model, rest)
