"""Why tokens differ: whole numbers first, dollars later.

What is billed beyond what was seen is explained in an order, from what is certain to what is left: keys that nothing is
seen of, days that the provider has not reported yet, calls over midnight, estimates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from syndarix_obs_read.bills.causes import Cause
from syndarix_obs_read.bills.cells import Account, Cell, Grid
from syndarix_obs_read.bills.model import CLASSES, STANDARD
from syndarix_obs_read.bills.seen import SeenLine

TierTokens = Counter[tuple[str, str]]
"""Tokens by tier and class; below zero where more was seen than billed."""

_DAY: Final = timedelta(days=1)
_SAME: Final = 0.1
"""Two gaps cancel out when what is left of them is at most this share of the larger."""


@dataclass(slots=True)
class Part:
    """A part of a cell's gap, with its cause. A `shift` moves tokens between tiers and adds up to nothing."""

    cause: Cause
    tokens: TierTokens
    who: str = ""
    shift: bool = False


@dataclass(slots=True)
class _Rest:
    """What is left of the gap of a cell while causes are found."""

    cell: Cell
    tokens: TierTokens
    parts: list[Part] = field(default_factory=list)

    def net(self) -> Counter[str]:
        """By class, whatever the tier."""
        found: Counter[str] = Counter()
        for (_, name), count in self.tokens.items():
            found[name] += count
        return found

    def take(self, cause: Cause, amounts: Mapping[str, int], who: str = "") -> None:
        """Explain these tokens by class, in the tiers whose gap has the same sign."""
        taken: TierTokens = Counter()
        for name, amount in amounts.items():
            for tier, part in self._in_tiers(name, amount):
                taken[tier, name] += part
        if any(taken.values()):
            self.tokens.subtract(taken)
            self.parts.append(Part(cause, taken, who))

    def _in_tiers(self, name: str, amount: int) -> Iterator[tuple[str, int]]:
        """Tiers with a gap of the same sign, the largest first; what no tier has goes to the first of them."""
        same = sorted(
            ((count, tier) for (tier, each), count in self.tokens.items() if each == name and count * amount > 0),
            key=lambda pair: (-abs(pair[0]), pair[1]),
        )
        left = amount
        for count, tier in same:
            part = min(abs(left), abs(count)) * (1 if amount > 0 else -1)
            left -= part
            yield tier, part
        if left:
            yield (same[0][1] if same else STANDARD), left


def token_causes(
    grid: Grid, unseen: Collection[Account], settled: Collection[date]
) -> dict[tuple[date, str], list[Part]]:
    """The gap of every cell in parts that add up to it."""
    rests = {(cell.day, cell.model): _Rest(cell, cell.gap) for cell in grid}
    silent = _silent_days(grid)
    for rest in rests.values():
        _unseen(rest, unseen)
        if rest.cell.day not in settled or rest.cell.day in silent:
            rest.take("late bucket", {name: count for name, count in rest.net().items() if count < 0})
    _over_midnight(rests)
    _cut_off(rests)
    _over_the_edge(grid, rests)
    for rest in rests.values():
        _estimated(rest)
        _others(rest)
        _shifts(rest)
    return {place: rest.parts for place, rest in rests.items()}


def _unseen(rest: _Rest, unseen: Collection[Account]) -> None:
    """The tokens of keys that nothing is seen of, by their own tiers."""
    for account in sorted(rest.cell.accounts, key=str):
        if account in unseen:
            tokens: TierTokens = Counter(rest.cell.accounts[account].tokens)
            rest.tokens.subtract(tokens)
            rest.parts.append(Part("unseen key or project", tokens, account_name(account)))


def _silent_days(grid: Grid) -> frozenset[date]:
    """Days on which calls were seen and the provider reports nothing at all, though it does for others."""
    told = {cell.day for cell in grid if any(cell.billed.tokens.values())}
    return frozenset(cell.day for cell in grid if told and cell.day not in told)


def _cut_off(rests: Mapping[tuple[date, str], _Rest]) -> None:
    """Days whose report ends at an hour: what lacks is what was seen from there on, of every model and to the token."""
    days: dict[date, list[_Rest]] = {}
    for (day, _), rest in rests.items():
        days.setdefault(day, []).append(rest)
    for own in days.values():
        hour = next((hour for hour in range(23, 0, -1) if _ends_at(own, hour)), None)
        for rest in own if hour else ():
            rest.take("late bucket", rest.net(), f"the report ends at {hour:02}:00 UTC")


def _ends_at(rests: Sequence[_Rest], hour: int) -> bool:
    lacking = [(rest.net(), rest.cell.tokens_where(_since(rest.cell, hour))) for rest in rests]
    return any(any(net.values()) for net, _ in lacking) and all(
        net.get(name, 0) == -after[name] for net, after in lacking for name in CLASSES
    )


def _since(cell: Cell, hour: int) -> Iterator[SeenLine]:
    return (line for line in cell.seen if line.hour % 24 >= hour)


def _over_midnight(rests: Mapping[tuple[date, str], _Rest]) -> None:
    """Gaps of neighbouring days that cancel out."""
    for (day, model), rest in sorted(rests.items()):
        following = rests.get((day + _DAY, model))
        moved = _moved(rest.net(), following.net()) if following else Counter()
        if following and moved:
            rest.take("day borders", {name: -count for name, count in moved.items()}, f"to {day + _DAY}")
            following.take("day borders", moved, f"from {day}")


def _over_the_edge(grid: Grid, rests: Mapping[tuple[date, str], _Rest]) -> None:
    """Small gaps of days whose neighbour was not asked for."""
    for place in _edges(grid):
        rest = rests[place]
        net, near = rest.net(), _near_midnight(rest.cell)
        small = {name: count for name, count in net.items() if 0 < abs(count) <= near[name]}
        if small and all(abs(count) <= near[name] for name, count in net.items()):
            rest.take("day borders", small, "over the edge of what was asked for")


def _moved(net: Mapping[str, int], following: Mapping[str, int]) -> Counter[str]:
    """Tokens by class that left a day for the next one, below zero for the other way; none where gaps do not fit."""
    found: Counter[str] = Counter()
    for name in CLASSES:
        here, there = net.get(name, 0), following.get(name, 0)
        if here * there >= 0:
            continue
        if abs(here + there) <= _SAME * max(abs(here), abs(there)):
            found[name] = there if abs(there) <= abs(here) else -here
    whole = sum(abs(net.get(name, 0)) for name in CLASSES)
    return found if whole and sum(map(abs, found.values())) > (1 - 2 * _SAME) * whole else Counter()


def _edges(grid: Grid) -> Iterator[tuple[date, str]]:
    """Cells whose neighbour on one side was not asked for."""
    days = {cell.day for cell in grid}
    for cell in grid:
        if cell.day in (min(days), max(days)):
            yield cell.day, cell.model


def _near_midnight(cell: Cell) -> Counter[str]:
    return cell.tokens_where(line for line in cell.seen if line.hour % 24 == 23)


def _estimated(rest: _Rest) -> None:
    """A gap no larger than the estimates it may come from; an estimate knows no cache, so classes may differ."""
    estimates, net = rest.cell.estimated(), rest.net()
    if sum(map(abs, net.values())) <= sum(estimates.values()):
        rest.take("estimated calls", {name: count for name, count in net.items() if count})


def _others(rest: _Rest) -> None:
    """What is left: served and never seen, or seen and never billed here."""
    net = rest.net()
    more = {name: count for name, count in net.items() if count > 0}
    less = {name: count for name, count in net.items() if count < 0}
    if more:
        keys = sorted({account_name(account) for account in rest.cell.accounts}) or ["no key named"]
        model = "" if rest.cell.seen else f"model {rest.cell.model}, "
        part = "" if not rest.cell.seen else "a part of "
        rest.take("unseen key or project", more, model + part + " or ".join(keys[:3]))
    if less:
        rest.take("another account", less)


def _shifts(rest: _Rest) -> None:
    """What now remains adds up to nothing in every class: tokens that stand in another tier."""
    moved: dict[Cause, TierTokens] = {}
    for (tier, name), count in rest.tokens.items():
        if count and tier != STANDARD:
            cause: Cause = "batch" if tier == "batch" else "service tier"
            tokens = moved.setdefault(cause, Counter())
            tokens[tier, name] += count
            tokens[STANDARD, name] -= count
    for cause, tokens in moved.items():
        tiers = sorted({tier for tier, _ in tokens} - {STANDARD})
        rest.parts.append(Part(cause, tokens, ", ".join(tiers), shift=True))
    rest.tokens.clear()


def account_name(account: Account) -> str:
    """A key and its project in words."""
    project, key = account
    named = [f"key {key}"] if key else []
    named += [f"project {project}"] if project else []
    return " of ".join(named) or "no key (console or default workspace)"
