"""Sums by a key: what a trace, a session, an agent or any group of costs adds up to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from syndarix_obs.store.schema import dollars
from syndarix_obs_read.amounts import Activity, Cost, Tokens
from syndarix_obs_read.backends.sqlite.conditions import Where

_COLUMNS: Final = """
    count(*) AS calls, sum(l.estimated AND l.priced) AS estimated_calls, sum(NOT l.priced) AS unpriced_calls,
    sum(l.tokens_input) AS t_input, sum(l.tokens_output) AS t_output, sum(l.tokens_cache_read) AS t_cache_read,
    sum(l.tokens_cache_write) AS t_cache_write, sum(l.tokens_reasoning) AS t_reasoning, sum(l.tokens_total) AS t_total,
    json_group_array(DISTINCT CASE WHEN NOT l.priced THEN coalesce(l.model, 'unknown') END) AS unpriced_models"""
_EXACT: Final = "sum(CASE WHEN NOT l.estimated THEN l.cost_pico END) AS exact"
_ESTIMATED: Final = "sum(CASE WHEN l.estimated THEN l.cost_pico END) AS estimated"
_BEYOND: Final = "sum(l.priced AND l.cost_pico IS NULL) AS beyond"
_SLOW_EXACT: Final = "exact_sum(CASE WHEN NOT l.estimated THEN l.total_cost_usd END) AS exact"
_SLOW_ESTIMATED: Final = "exact_sum(CASE WHEN l.estimated THEN l.total_cost_usd END) AS estimated"
_ACTIVITY: Final = """
    count(*) AS records, sum(r.kind = 'llm_call') AS llm_calls, sum(r.kind = 'tool_call') AS tool_calls,
    sum(r.kind = 'decision') AS decisions, sum(r.status = 'error') AS errors, count(r.loop_count) AS loops,
    coalesce(sum(r.passed = 0), 0) AS safety_failures"""


def costs(
    connection: sqlite3.Connection, where: Where, keys: Sequence[str], key_values: Sequence[Any] = ()
) -> list[tuple[dict[str, Any], Tokens, Cost]]:
    """Sums of the ledger by expressions.

    Args:
        where: conditions over `ledger l`.
        keys: `expression AS name`, our own SQL.
        key_values: values of the expressions' `?`.
    """
    try:
        rows = _grouped(connection, where, keys, key_values, f"{_EXACT}, {_ESTIMATED}, {_BEYOND}")
        if not any(row["beyond"] for row in rows):
            return [_sums(row, keys, _from_pico) for row in rows]
    except (sqlite3.OperationalError, sqlite3.IntegrityError, OverflowError) as error:
        if "integer overflow" not in str(error):
            raise
    # More than 9.2 million dollars in one sum or one call: slower, and exact at any size.
    rows = _grouped(connection, where, keys, key_values, f"{_SLOW_EXACT}, {_SLOW_ESTIMATED}")
    return [_sums(row, keys, _from_text) for row in rows]


def _grouped(
    connection: sqlite3.Connection, where: Where, keys: Sequence[str], key_values: Sequence[Any], amounts: str
) -> list[sqlite3.Row]:
    columns = ", ".join((*keys, amounts, _COLUMNS))
    group = f"GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))}" if keys else "GROUP BY NULL"
    statement = f"SELECT {columns} FROM ledger l WHERE {where.sql} {group}"
    return connection.execute(statement, (*key_values, *where.values)).fetchall()


def _from_pico(value: int | None) -> Decimal:
    return dollars(value) or Decimal(0)


def _from_text(value: str) -> Decimal:
    return Decimal(value)


def _sums(row: sqlite3.Row, keys: Sequence[str], amount: Any) -> tuple[dict[str, Any], Tokens, Cost]:
    names = [key.rpartition(" AS ")[2].strip('"') for key in keys]
    tokens = Tokens(**{name: row[f"t_{name}"] for name in Tokens.model_fields})
    cost = Cost(
        calls=row["calls"],
        exact_usd=amount(row["exact"]),
        estimated_calls=row["estimated_calls"],
        estimated_usd=amount(row["estimated"]),
        unpriced_calls=row["unpriced_calls"],
        unpriced_models=tuple(sorted(filter(None, json.loads(row["unpriced_models"])))),
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
