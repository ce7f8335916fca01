"""Lines of the ledger to add up: one by one, or by the hour where the store has summed whole hours already.

Both have the same columns (the ledger's own, and `calls`, `exact_pico`, …), so that one statement adds up either.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from syndarix_obs.store.schema import HOUR_COLUMNS, HOUR_KEYS, HOUR_NS, sign
from syndarix_obs_read.backends.filters import LARGEST_NS, Filter
from syndarix_obs_read.backends.sql.conditions import Where, over

_SUMS: Final = HOUR_COLUMNS[1 + len(HOUR_KEYS) :]
_SIGN: Final = sign("l.record_id")
_LINE: Final = (
    f"{_SIGN} AS calls, {_SIGN} * (l.estimated AND l.priced) AS estimated_calls,"
    f" {_SIGN} * (NOT l.priced) AS unpriced_calls,"
    " l.priced AND l.cost_pico IS NULL AS beyond, CASE WHEN NOT l.estimated THEN l.cost_pico END AS exact_pico,"
    " CASE WHEN l.estimated THEN l.cost_pico END AS estimated_pico"
)
_TOKENS: Final = ", ".join(f"l.{name}" for name in _SUMS if name.startswith("tokens_"))
_KEYS: Final = ", ".join(f"l.{name}" for name in HOUR_KEYS)
_BY_HOUR: Final = (
    f"SELECT l.hour_ns AS ts_ns, {_KEYS}, {', '.join(f'l.{name}' for name in _SUMS)} FROM ledger_hours l WHERE"
)
_BY_LINE: Final = f"SELECT l.ts_ns, {_KEYS}, {_LINE}, {_TOKENS} FROM ledger l"
_MARK: Final = "(SELECT value FROM meta WHERE key = 'summed_to')"
_KEPT: Final = frozenset({*HOUR_KEYS, "day"})


@dataclass(frozen=True, slots=True)
class Lines:
    """A subquery with the values of its `?`; what it delivers is called `l`."""

    sql: str
    values: Sequence[Any]


def one_by_one(where: Where) -> Lines:
    """Lines that fit conditions over `ledger l`."""
    return Lines(f"SELECT l.*, {_LINE} FROM ledger l WHERE {where.sql}", where.values)


def by_hour(connection: sqlite3.Connection, where: Filter, by: Iterable[str], zone: str = "UTC") -> Lines | None:
    """The same lines with whole hours as one; None where hours do not say enough.

    Args:
        where: the filter; times that cut an hour are read line by line.
        by: what the costs are grouped by; days must begin on the hour in `zone`.
    """
    wanted = {name for name in where.named() if name != "kinds"} | set(by)
    first, last = -(-max(0, where.since_ns) // HOUR_NS) * HOUR_NS, min(where.until_ns, LARGEST_NS) // HOUR_NS * HOUR_NS
    if not wanted <= _KEPT or first >= last or ("day" in by and _cut_by_days(connection, zone)):
        return None
    parts = [
        _part(_BY_HOUR, replace(where, since_ns=first, until_ns=last), "hour_ns"),
        _part(f"{_BY_LINE} WHERE l.id > {_MARK} AND", where, "ts_ns"),
        _part(f"{_BY_LINE} WHERE l.id <= {_MARK} AND", replace(where, until_ns=first), "ts_ns"),
        _part(f"{_BY_LINE} WHERE l.id <= {_MARK} AND", replace(where, since_ns=last), "ts_ns"),
    ]
    return Lines(" UNION ALL ".join(sql for sql, _ in parts), [value for _, values in parts for value in values])


def _part(beginning: str, where: Filter, time: str) -> tuple[str, Sequence[Any]]:
    found = over("l", where, time=time, columns=HOUR_KEYS)
    return f"{beginning} {found.sql}", found.values


def _cut_by_days(connection: sqlite3.Connection, zone: str) -> bool:
    """Whether a day begins within an hour that was summed, as it does in zones of half hours."""
    hours = "SELECT DISTINCT hour_ns FROM ledger_hours"
    statement = f"SELECT EXISTS (SELECT 1 FROM ({hours}) WHERE day(hour_ns, ?1) <> day(hour_ns + ?2, ?1))"
    return bool(connection.execute(statement, (zone, HOUR_NS - 1)).fetchone()[0])
