"""Filters as SQL conditions. Column names are ours; every value is bound, never written into a statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal, localcontext
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.store import schema
from syndarix_obs_read.backends.filters import EQUAL, LARGEST_NS, Filter

DEFAULT_KINDS: Final = tuple(kind for kind in v.WORK_KINDS if kind != v.KIND_COST)
"""Kinds a question without kinds means: every log line but the ledger's, and those of replays, which are no work."""

_MILLIONS: Final = 7
"""Power of ten beyond which an amount in dollars is larger than any `cost_pico`."""


@dataclass(slots=True)
class Where:
    """Conditions that all must hold, with the values of their `?` in order."""

    conditions: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, condition: str, *values: Any) -> None:
        """One more condition."""
        self.conditions.append(condition)
        self.values.extend(bindable(value) for value in values)

    def among(self, expression: str, values: Sequence[Any]) -> None:
        """The expression is one of the values."""
        self.add(f"{expression} IN ({', '.join('?' * len(values))})", *values)

    @property
    def sql(self) -> str:
        """The conditions as one."""
        return " AND ".join(self.conditions) or "1"


def bindable(value: Any) -> Any:
    """The value as SQLite takes it: integers within 64 bits, text without lone surrogates."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return max(-LARGEST_NS - 1, min(value, LARGEST_NS))
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def over(table: str, where: Filter, *, time: str, columns: Iterable[str] = EQUAL) -> Where:
    """Time range and equalities of a filter over the columns that the table has.

    Args:
        table: alias of the table.
        where: the filter.
        time: its column of time.
        columns: names of filters that are columns of the table.
    """
    found = Where()
    if where.since_ns > 0:
        found.add(f"{table}.{time} >= ?", where.since_ns)
    if where.until_ns < LARGEST_NS:
        found.add(f"{table}.{time} < ?", where.until_ns)
    for name in columns:
        value = getattr(where, name)
        if value is not None:
            found.add(f'{table}."{name}" = ?', value)
    return found


def of_records(where: Filter) -> Where:
    """Everything a filter says about single records but `kinds` and `text`, over `records r`."""
    found = over("r", where, time="ts_ns")
    if where.level is not None:
        found.among("r.level", where.levels())
    if where.min_duration_ns is not None:
        found.add("r.duration_ns >= ?", where.min_duration_ns)
    if where.min_cost_usd is not None:
        found.add("CAST(r.cost_usd AS REAL) >= ?", float(where.min_cost_usd))
    if where.looped:
        found.add("r.loop_count IS NOT NULL")
    return found


def pico_at_least(amount: Decimal) -> int:
    """The smallest `cost_pico` that is not below an amount in dollars; the largest integer for amounts beyond it."""
    if amount.adjusted() > _MILLIONS:
        return LARGEST_NS if amount > 0 else -LARGEST_NS
    with localcontext() as context:
        context.prec, context.rounding = 60, ROUND_CEILING
        return max(-LARGEST_NS, min(int((amount * schema.PICO).to_integral_value()), LARGEST_NS))
