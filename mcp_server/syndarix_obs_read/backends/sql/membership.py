"""Which traces or sessions contain something: one subquery per filter, each over the index that narrows most."""

from __future__ import annotations

import json
import sqlite3
from typing import Final, Literal

from syndarix_obs import vocabulary as v
from syndarix_obs.store import search
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.sql.conditions import Where, over, pico_at_least

Key = Literal["trace_id", "session_id"]

TEXT_ROWS: Final = 5_000
"""Newest rows with a text that are looked at to find the traces or sessions they lie in."""

_OF_RUN: Final = ("agent", "project", "user", "task_type", "session_id", "service", "environment")
_KIND_OF: Final = {"model": v.KIND_LLM_CALL, "tool": v.KIND_TOOL_CALL, "decision_type": v.KIND_DECISION}


def contain(connection: sqlite3.Connection, where: Filter, key: Key, column: str, found: Where) -> bool:
    """Add to `found` that `column` is among the traces (or sessions) that contain what the filter names.

    Returns:
        False when a text occurs more often than `TEXT_ROWS`, so that older ones may be missing.
    """
    for name in _OF_RUN:
        _with_run(where, name, key, column, found)
    for name, kind in _KIND_OF.items():
        if (value := getattr(where, name)) is not None:
            inner = _in_period(where)
            inner.add(f'r.kind = ? AND r."{name}" = ?', kind, value)
            _within(column, f"SELECT r.{key} FROM records r WHERE {inner.sql}", inner, found)
    if where.looped:
        inner = _in_period(where)
        inner.add("r.kind = ? AND r.loop_count IS NOT NULL", v.KIND_TOOL_CALL)
        _within(column, f"SELECT r.{key} FROM records r WHERE {inner.sql}", inner, found)
    if where.min_cost_usd is not None:
        inner = over("l", where, time="ts_ns", columns=())
        inner.conditions.append("1")
        inner.values.append(pico_at_least(where.min_cost_usd))
        having = "GROUP BY 1 HAVING total(l.cost_pico) >= ?"
        _within(column, f"SELECT l.{key} FROM ledger l WHERE {inner.sql} {having}", inner, found)
    return not where.text or _with_text(connection, where, key, column, found)


def with_error(where: Filter, key: Key, column: str, found: Where) -> None:
    """Add that something failed in the trace or session."""
    inner = _in_period(where)
    # The status is written out so that the partial index of errors serves.
    _within(column, f"SELECT r.{key} FROM records r WHERE r.status = 'error' AND {inner.sql}", inner, found)


def _with_run(where: Filter, name: str, key: Key, column: str, found: Where) -> None:
    value = getattr(where, name)
    if value is None or name == key:
        return
    inner = Where()
    inner.add(f's."{name}" = ?', value)
    runs = f"SELECT s.{key} FROM sessions s WHERE {inner.sql}"
    if name in {"agent", "task_type"}:  # also of work outside a session, and of tasks
        rest = _in_period(where)
        rest.add(f'r."{name}" = ? AND r.kind IN (?, ?, ?)', value, v.KIND_TASK, v.KIND_LLM_CALL, v.KIND_TOOL_CALL)
        runs += f" UNION SELECT r.{key} FROM records r WHERE {rest.sql}"
        inner.values.extend(rest.values)
    elif key == "trace_id":
        rest = _in_period(where)
        rest.add(f'r."{name}" = ? AND r.parent_id IS NULL', value)
        runs += f" UNION SELECT r.{key} FROM records r WHERE {rest.sql}"
        inner.values.extend(rest.values)
    _within(column, runs, inner, found)


def _with_text(connection: sqlite3.Connection, where: Filter, key: Key, column: str, found: Where) -> bool:
    inner = _in_period(where)
    rows = search.find(
        connection,
        where.text or "",
        columns=f"r.{key}",
        where=inner.sql,
        parameters=inner.values,
        limit=TEXT_ROWS,
    )
    found.add(f"{column} IN (SELECT value FROM json_each(?))", json.dumps(sorted({row[0] for row in rows if row[0]})))
    return len(rows) < TEXT_ROWS


def _in_period(where: Filter) -> Where:
    """A trace that began before the end of the period may go on beyond it: only the beginning limits its records."""
    inner = Where()
    inner.add("r.ts_ns >= ?", where.since_ns)
    return inner


def _within(column: str, statement: str, inner: Where, found: Where) -> None:
    found.add(f"{column} IN ({statement})", *inner.values)
