"""Sums by a key: what a trace, a session, an agent or any group of costs adds up to."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from syndarix_obs.store.schema import dollars
from syndarix_obs_read.amounts import Activity, Cost, Tokens
from syndarix_obs_read.backends.sql.conditions import Where
from syndarix_obs_read.backends.sql.lines import Lines, one_by_one

_TOKEN_CLASSES: Final = tuple(Tokens.model_fields)
_COLUMNS: Final = """
    sum(l.calls) AS calls, sum(l.estimated_calls) AS estimated_calls, sum(l.unpriced_calls) AS unpriced_calls,
    sum(l.tokens_input) AS t_input, sum(l.tokens_output) AS t_output, sum(l.tokens_cache_read) AS t_cache_read,
    sum(l.tokens_cache_write) AS t_cache_write, sum(l.tokens_reasoning) AS t_reasoning,
    sum(l.tokens_total) AS t_total"""
_AMOUNTS: Final = "sum(l.exact_pico) AS exact, sum(l.estimated_pico) AS estimated, sum(l.beyond) AS beyond"
_SLOW_AMOUNTS: Final = """
    exact_sum(CASE WHEN NOT l.estimated THEN l.total_cost_usd END) AS exact,
    exact_sum(CASE WHEN l.estimated THEN l.total_cost_usd END) AS estimated"""
_ACTIVITY: Final = """
    count(*) AS records, sum(r.kind = 'llm_call') AS llm_calls, sum(r.kind = 'tool_call') AS tool_calls,
    sum(r.kind = 'decision') AS decisions, sum(r.status = 'error') AS errors, count(r.loop_count) AS loops,
    coalesce(sum(r.passed = 0), 0) AS safety_failures"""


def costs(
    connection: sqlite3.Connection,
    where: Where,
    keys: Sequence[str],
    key_values: Sequence[Any] = (),
    *,
    quick: Lines | None = None,
) -> list[tuple[dict[str, Any], Tokens, Cost]]:
    """Sums of the ledger by expressions.

    Args:
        where: conditions over `ledger l`.
        keys: `expression AS name`, our own SQL.
        key_values: values of the expressions' `?`.
        quick: the same lines as `where` chooses, in fewer rows.
    """
    try:
        found = _grouped(connection, quick or one_by_one(where), keys, key_values, _AMOUNTS, _from_pico)
        if found is not None:
            return found
    except (sqlite3.OperationalError, sqlite3.IntegrityError, OverflowError) as error:
        if "integer overflow" not in str(error):
            raise
    # More than 9.2 million dollars in one sum or one call: slower, and exact at any size.
    return _grouped(connection, one_by_one(where), keys, key_values, _SLOW_AMOUNTS, Decimal) or []


def _grouped(
    connection: sqlite3.Connection,
    lines: Lines,
    keys: Sequence[str],
    key_values: Sequence[Any],
    amounts: str,
    amount: Callable[[Any], Decimal],
) -> list[tuple[dict[str, Any], Tokens, Cost]] | None:
    """The groups; None when some lines are too large for integers."""
    columns = ", ".join((*keys, amounts, _COLUMNS))
    group = f"GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))}" if keys else "GROUP BY NULL"
    statement = f"SELECT {columns} FROM ({lines.sql}) l {group}"
    rows = connection.execute(statement, (*key_values, *lines.values)).fetchall()
    if amounts == _AMOUNTS and any(row["beyond"] for row in rows):
        return None
    models = _unpriced_models(connection, lines, keys, key_values) if any(row["unpriced_calls"] for row in rows) else {}
    names = [key.rpartition(" AS ")[2].strip('"') for key in keys]
    return [_sums(row, names, models, amount) for row in rows if row["calls"]]


def _unpriced_models(
    connection: sqlite3.Connection, lines: Lines, keys: Sequence[str], key_values: Sequence[Any]
) -> Mapping[tuple[Any, ...], list[str]]:
    """Models without a price, by group."""
    columns = ", ".join((*keys, "coalesce(l.model, 'unknown')"))
    group = ", ".join(str(i + 1) for i in range(len(keys) + 1))
    statement = (
        f"SELECT {columns} FROM ({lines.sql}) l WHERE l.unpriced_calls <> 0 GROUP BY {group}"
        " HAVING sum(l.unpriced_calls) > 0"
    )
    found: defaultdict[tuple[Any, ...], list[str]] = defaultdict(list)
    for row in connection.execute(statement, (*key_values, *lines.values)):
        *key, model = row
        found[tuple(key)].append(model)
    return found


def _from_pico(value: int | None) -> Decimal:
    return dollars(value) or Decimal(0)


def _sums(
    row: sqlite3.Row,
    names: Sequence[str],
    models: Mapping[tuple[Any, ...], list[str]],
    amount: Callable[[Any], Decimal],
) -> tuple[dict[str, Any], Tokens, Cost]:
    # Constructed as they are: columns are whole numbers and exact amounts, and there may be a row for every session.
    tokens = Tokens.model_construct(**{name: row[f"t_{name}"] for name in _TOKEN_CLASSES})
    cost = Cost.model_construct(
        calls=row["calls"],
        exact_usd=amount(row["exact"]),
        estimated_calls=row["estimated_calls"],
        estimated_usd=amount(row["estimated"]),
        unpriced_calls=row["unpriced_calls"],
        unpriced_models=tuple(sorted(models.get(tuple(row)[: len(names)], ()))) if models else (),
    )
    return {name: row[name] for name in names}, tokens, cost


def costs_of(connection: sqlite3.Connection, column: str, keys: Sequence[str]) -> Mapping[str, tuple[Tokens, Cost]]:
    """Sums of the ledger for some traces or sessions (`column` = `trace_id` or `session_id`)."""
    where = Where()
    where.among(f"l.{column}", keys)
    if column == "trace_id":
        bound_by_traces(connection, keys, where)
    found = costs(connection, where, [f"l.{column} AS key"]) if keys else []
    return {key["key"]: (tokens, cost) for key, tokens, cost in found}


def bound_by_traces(connection: sqlite3.Connection, trace_ids: Sequence[str], where: Where) -> None:
    """Limit conditions over `ledger l` to the time of some traces: the ledger has an index of times, not of traces."""
    times = Where()
    times.among("trace_id", trace_ids)
    statement = f"SELECT min(ts_ns), max(ts_ns) FROM records WHERE {times.sql}"
    first, last = connection.execute(statement, times.values).fetchone()
    if first is not None:  # else the trace was not kept, but its costs were
        where.add("l.ts_ns BETWEEN ? AND ?", first, last)


def activity_of(connection: sqlite3.Connection, column: str, keys: Sequence[str]) -> Mapping[str, Activity]:
    """Counts of records for some traces or sessions (`column` = `trace_id` or `session_id`)."""
    if not keys:
        return {}
    where = Where()
    where.among(f"r.{column}", keys)
    statement = f"SELECT r.{column} AS key, {_ACTIVITY} FROM records r WHERE {where.sql} GROUP BY 1"
    rows = connection.execute(statement, where.values)
    return {row["key"]: Activity(**{name: row[name] for name in Activity.model_fields}) for row in rows}
