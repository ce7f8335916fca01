"""Why dollars differ, once it is known why tokens do.

Every part of a cell's difference is valued at the rates of the ledger, so that the parts add up exactly: from what the
ledger says, over the tokens that are billed, to what they cost at our rates; from there to the bill is the price list.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from statistics import median
from typing import Final

from syndarix_obs_read.analysis.repricing import ZERO, Counts, Repricing, amount
from syndarix_obs_read.bills.causes import Found
from syndarix_obs_read.bills.cells import Cell, Grid
from syndarix_obs_read.bills.gaps import Part, TierTokens
from syndarix_obs_read.bills.model import CLASSES, STANDARD

Rates = Mapping[str, Mapping[str, Decimal]]
"""Dollars per token, by tier and class."""

_NOISE: Final = Decimal("0.002")
"""Share by which a rate of the bill may differ for no reason."""
_NEAR: Final = 0.02
"""How far the ratio of one day may lie from the usual one and be the same price."""
_CENT: Final = Decimal("0.005")
"""What rounding to cents can do to one item of a bill."""


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


def rates_of(cell: Cell, repricing: Repricing, provider: str) -> tuple[Rates, bool]:
    """Our rates for every tier that a cell has; the bill's own where the list has none."""
    tiers = {tier for tier, _ in (*cell.billed.tokens, *cell.seen_sums.tokens)} | {STANDARD}
    calls = sum(line.calls for line in cell.seen) or cell.requests or 1
    counts = _counts(cell)
    at = datetime.combine(cell.day, time(12), UTC)
    own = _own_rates(cell)
    found: dict[str, Mapping[str, Decimal]] = {}
    listed = True
    for tier in tiers:
        asked = None if tier == STANDARD else tier
        rates = repricing.rates(cell.model, counts.one_of(calls), at, provider=provider, tier=asked)
        listed = listed and rates is not None
        found[tier] = rates or own
    return _as_priced(cell, found) if listed else found, listed


def _counts(cell: Cell) -> Counts:
    """The tokens that were seen; where nothing was, those that were billed."""
    tokens = cell.tokens_where(cell.seen) or cell.billed.by_class()
    return Counts(**{name: max(0, tokens[name]) for name in CLASSES})


def _own_rates(cell: Cell) -> Mapping[str, Decimal]:
    tokens, found = cell.billed.by_class(), dict.fromkeys(CLASSES, ZERO)
    for name in CLASSES:
        paid = sum((line.usd for line in cell.costs if line.token_class == name), ZERO)
        found[name] = paid / tokens[name] if tokens[name] > 0 else ZERO
    return found


def _as_priced(cell: Cell, rates: dict[str, Mapping[str, Decimal]]) -> Rates:
    """Rates at which the seen calls come to what the ledger says: long prompts, regions and overrides are in them."""
    priced = [line for line in cell.seen if line.usd is not None]
    listed = sum((_listed(line.tier, line.tokens, rates) for line in priced), ZERO)
    if not listed or not cell.seen_usd:
        return rates
    factor = cell.seen_usd / listed
    return {tier: {name: rate * factor for name, rate in each.items()} for tier, each in rates.items()}


def _listed(tier: str, tokens: Mapping[str, int], rates: Rates) -> Decimal:
    return sum((rates[tier][name] * count for name, count in tokens.items()), ZERO)


def share_fees(grid: Grid, repricing: Repricing) -> None:
    """Set `seen_fees`: what our calls cost beyond their tokens, up to what the bill lists as fees of the day."""
    paid: dict[date, Decimal] = defaultdict(Decimal)
    for fee in grid.fees:
        paid[fee.day] += max(ZERO, fee.usd)
    for day, fees in paid.items():
        beyond = {cell.model: max(ZERO, _beyond(cell, repricing, grid.bill.provider))
                  for cell in grid if cell.day == day}  # fmt: skip
        whole = sum(beyond.values(), ZERO)
        for model, part in beyond.items():
            if part:
                grid.cells[day, model].seen_fees = part * min(Decimal(1), fees / whole)


def _beyond(cell: Cell, repricing: Repricing, provider: str) -> Decimal:
    """Dollars of the seen calls that their tokens do not explain."""
    at = datetime.combine(cell.day, time(12), UTC)
    listed = ZERO
    for line in cell.seen:
        if line.usd is None:
            continue
        tier = None if line.tier == STANDARD else line.tier
        rates = repricing.rates(cell.model, line.counts.one_of(line.calls), at, provider=provider, tier=tier)
        if rates is None:
            return ZERO
        listed += amount(rates, line.counts, line.calls)
    beyond = cell.seen_usd - listed
    return beyond if beyond > listed * _NOISE else ZERO


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


def ratios(valued: Sequence[Valued], settled: Collection[date]) -> dict[tuple[str, str], Ratio]:
    """Classes that the bill prices otherwise, day after day."""
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
            if abs(paid - expected) > expected * _NOISE + _CENT * items * (paid == paid.quantize(Decimal("0.01"))):
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
    each: Valued, parts: Sequence[Part], learned: Mapping[tuple[str, str], Ratio], settled: bool
) -> list[Found]:
    """A cell's difference in dollars in parts that add up to it; the tokens of each part with it."""
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
        found.append(_rest(cell, rest, settled))
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


def _rest(cell: Cell, rest: Decimal, settled: bool) -> Found:
    if not settled:
        return Found("late bucket", cell.day, cell.model, rest, who="the costs of the day")
    small = max(_CENT * len(cell.costs), abs(cell.billed_usd) * _NOISE)
    return Found("rounding" if abs(rest) <= small else "unexplained", cell.day, cell.model, rest)
