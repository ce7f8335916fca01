"""The ledger's own rates for one day and model, and what its calls cost beside their tokens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final

from syndarix_obs_read.analysis.repricing import ZERO, Counts, Repricing
from syndarix_obs_read.bills.cells import Cell, Grid
from syndarix_obs_read.bills.model import CLASSES, STANDARD

Rates = Mapping[str, Mapping[str, Decimal]]
"""Dollars per token, by tier and class."""

NOISE: Final = Decimal("0.002")
"""Share by which a rate may differ for no reason."""


def rates_of(cell: Cell, repricing: Repricing, provider: str) -> tuple[Rates, bool]:
    """Our rates for every tier that a cell has; the bill's own where the list has none."""
    tiers = {tier for tier, _ in (*cell.billed.tokens, *cell.seen_sums.tokens)} | {STANDARD}
    listed = {tier: _list_rates(cell, tier, repricing, provider) for tier in tiers}
    known = {tier: rates for tier, rates in listed.items() if rates is not None}
    if len(known) < len(listed):
        return dict.fromkeys(tiers, _own_rates(cell)), False
    return _as_priced(cell, known), True


def _list_rates(cell: Cell, tier: str, repricing: Repricing, provider: str) -> Mapping[str, Decimal] | None:
    """The list's rates of a tier, mixed as the calls are: by size of prompt, and by how long a cache is kept."""
    at, asked = datetime.combine(cell.day, time(12), UTC), None if tier == STANDARD else tier
    parts: list[tuple[Counts, Mapping[str, Decimal]]] = []
    for counts, calls in _by_size(cell, tier):
        rates = repricing.rates(cell.model, counts.one_of(calls), at, provider=provider, tier=asked)
        if rates is None:
            return None
        parts.append((counts, rates))
    found = {name: _mixed(name, parts) for name in CLASSES}
    written = cell.billed.by_class()["cache_write"]
    if cell.long_writes and written:
        long = repricing.long_write(cell.model, at, provider=provider, tier=asked)
        share = min(Decimal(1), Decimal(cell.long_writes) / written)
        found["cache_write"] = found["cache_write"] * (1 - share) + (long or found["cache_write"]) * share
    return found


def _by_size(cell: Cell, tier: str) -> list[tuple[Counts, int]]:
    """Tokens and calls of a tier for each step of the price list; of a tier that was not seen, as all calls are."""
    sizes: dict[str, tuple[Counts, int]] = {}
    for line in [line for line in cell.seen if line.tier == tier] or cell.seen:
        counts, calls = sizes.get(line.size, (Counts(), 0))
        sizes[line.size] = counts + line.counts, calls + line.calls
    if sizes:
        return list(sizes.values())
    tokens = cell.billed.by_class()
    return [(Counts(**{name: max(0, tokens[name]) for name in CLASSES}), cell.requests or 1)]


def _mixed(name: str, parts: Sequence[tuple[Counts, Mapping[str, Decimal]]]) -> Decimal:
    whole = sum(counts.of(name) for counts, _ in parts)
    if whole <= 0:
        return parts[0][1][name]
    return sum((rates[name] * counts.of(name) for counts, rates in parts), ZERO) / whole


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
    listed = ZERO
    for line in cell.seen:
        if line.usd is not None:
            rates = _list_rates(cell, line.tier, repricing, provider)
            if rates is None:
                return ZERO
            listed += _listed(line.tier, line.tokens, {line.tier: rates})
    beyond = cell.seen_usd - listed
    return beyond if beyond > listed * NOISE else ZERO
