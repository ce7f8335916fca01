"""A bill and the ledger side by side: a cell for each UTC day and model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from syndarix_obs.pricing.reports import plain_model
from syndarix_obs_read.analysis.repricing import ZERO
from syndarix_obs_read.bills.model import CLASSES, STANDARD, Bill, CostLine, Sums, Tokens, UsageLine
from syndarix_obs_read.bills.seen import SeenLine

Account = tuple[str | None, str | None]
"""Project (or workspace) and key."""


@dataclass(slots=True)
class Cell:
    """One UTC day and model. Amounts in dollars; `costs` are of tokens only, fees lie apart."""

    day: date
    model: str
    seen: list[SeenLine] = field(default_factory=list)
    billed: Sums = field(default_factory=Sums)
    accounts: dict[Account, Sums] = field(default_factory=dict)
    requests: int = 0
    searches: int = 0
    long_writes: int = 0
    costs: list[CostLine] = field(default_factory=list)
    seen_fees: Decimal = ZERO
    """What our calls cost beside their tokens, by the bill's fees of the day."""

    @property
    def seen_sums(self) -> Sums:
        """Tokens that were seen."""
        found = Sums()
        for line in self.seen:
            found.add(line.tier, line.tokens)
        return found

    @property
    def gap(self) -> Counter[tuple[str, str]]:
        """Billed without seen, by tier and class."""
        gap = Counter(self.billed.tokens)
        gap.subtract(self.seen_sums.tokens)
        return gap

    @property
    def seen_usd(self) -> Decimal:
        """What the tokens that were seen cost by the ledger; calls without a price are not in it."""
        return sum((line.usd for line in self.seen if line.usd is not None), ZERO) - self.seen_fees

    @property
    def billed_usd(self) -> Decimal:
        """What the tokens cost by the bill."""
        return sum((line.usd for line in self.costs), ZERO)

    def tokens_where(self, chosen: Iterable[SeenLine]) -> Tokens:
        """Tokens of some of the lines, by class."""
        found: Tokens = Counter()
        for line in chosen:
            found.update(line.tokens)
        return found

    def estimated(self) -> Tokens:
        """Tokens that are an estimate."""
        return self.tokens_where(line for line in self.seen if line.estimated)


@dataclass(slots=True)
class Grid:
    """Every cell of a bill, and what is on the bill beside tokens."""

    bill: Bill
    cells: dict[tuple[date, str], Cell]
    fees: list[CostLine]

    def __iter__(self) -> Iterator[Cell]:
        """Cells by day and model."""
        return iter(sorted(self.cells.values(), key=lambda cell: (cell.day, cell.model)))

    def cell(self, day: date, model: str) -> Cell | None:
        """The cell of a day and model."""
        return self.cells.get((day, model))

    @property
    def has_tokens(self) -> bool:
        """Whether the bill tells tokens."""
        return any(cell.billed.tokens for cell in self.cells.values())

    @property
    def rounding(self) -> Decimal:
        """What rounding can do to one item: half of the last place that the bill's amounts have."""
        places = [-int(line.usd.normalize().as_tuple().exponent) for line in self.bill.costs if line.usd]
        return Decimal(5).scaleb(-1 - min(max((2, *places)), 12))

    @property
    def has_costs(self) -> bool:
        """Whether the bill tells dollars."""
        return bool(self.bill.costs)


def side_by_side(bill: Bill, seen: Sequence[SeenLine], first: date, end: date, offset_h: int = 0) -> Grid:
    """Put the two beside one another.

    Args:
        bill: what the provider says.
        seen: what the ledger has.
        first: the first day.
        end: the first day that no longer counts.
        offset_h: hours after midnight UTC at which the bill's days begin.
    """
    names = _names(bill, seen)
    cells: dict[tuple[date, str], Cell] = {}

    def at(day: date, model: str) -> Cell:
        name = names.get(model, model)
        return cells.setdefault((day, name), Cell(day, name))

    for line in seen:
        if first <= line.day(offset_h) < end:
            at(line.day(offset_h), line.model).seen.append(line)
    usage = bill.usage or tuple(_usage_of(bill.costs))
    for used in usage:
        cell = at(used.day, used.model)
        cell.billed.add(used.tier, used.tokens)
        cell.accounts.setdefault((used.project, used.key), Sums()).add(used.tier, used.tokens)
        cell.requests += used.requests or 0
        cell.searches += used.searches
        cell.long_writes += used.long_writes
    fees = []
    for cost in bill.costs:
        if cost.model is None:
            fees.append(cost)
        else:
            at(cost.day, cost.model).costs.append(cost)
    return Grid(bill, cells, fees)


def _usage_of(costs: Iterable[CostLine]) -> Iterator[UsageLine]:
    """Tokens that the items of a bill name themselves."""
    for line in costs:
        if line.quantity is not None and line.model is not None and line.token_class in CLASSES:
            yield UsageLine(
                day=line.day, model=line.model, tokens={line.token_class: line.quantity}, tier=line.tier or STANDARD,
                project=line.project, key=line.key,
            )  # fmt: skip


def _names(bill: Bill, seen: Iterable[SeenLine]) -> Mapping[str, str]:
    """Names that mean a model of the bill: the cost export says `claude-haiku-4-5` of what the API calls by its date.

    A name goes to another only where exactly one has the same plain form.
    """
    told = {line.model for line in bill.usage} or {line.model for line in bill.costs if line.model}
    plain: dict[str | None, set[str]] = {}
    for name in told:
        plain.setdefault(plain_model(name), set()).add(name)
    others = {line.model for line in seen} | {line.model for line in bill.costs if line.model}
    found = {}
    for name in others - told:
        same = plain.get(plain_model(name), set())
        if len(same) == 1:
            found[name] = next(iter(same))
    return found
