"""Traces by criteria. A trace is known by its root span, or by a session that has not ended yet or came from afar."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Activity, Cost, Tokens
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import COUNTED_UP_TO, Rows, TraceRow
from syndarix_obs_read.backends.sql.conditions import Where, over
from syndarix_obs_read.backends.sql.membership import contain, with_error
from syndarix_obs_read.backends.sql.sums import activity_of, costs_of

_ROOTS: Final = """
    SELECT r.trace_id, r.name, r.ts_ns AS start_ns, r.end_ns, r.status, r.error_type, r.agent, r.project, r."user",
        r.session_id
    FROM records r
    WHERE r.parent_id IS NULL AND r.trace_id <> '' AND r.kind NOT IN ('app', 'annotation', 'score') AND {period}"""
_RUNS: Final = """
    SELECT s.trace_id, 'invoke_agent ' || coalesce(s.agent, ''), min(s.started_ns) AS start_ns, s.ended_ns AS end_ns,
        s.status, s.error_type, s.agent, s.project, s."user", s.session_id
    FROM sessions s
    WHERE {period}
    AND NOT EXISTS (SELECT 1 FROM records r WHERE r.ts_ns = s.started_ns AND r.record_id = s.record_id
        AND r.parent_id IS NULL AND r.trace_id = s.trace_id)
    AND NOT EXISTS (SELECT 1 FROM records r WHERE r.trace_id = s.trace_id AND r.parent_id IS NULL
        AND r.kind NOT IN ('app', 'annotation', 'score'))
    GROUP BY s.trace_id"""
"""Sessions of traces without a root; nearly all are told by one look at their own record, which is it."""
_NEWEST: Final = "SELECT * FROM (SELECT t.* FROM ({source}) t WHERE {conditions} ORDER BY t.start_ns DESC LIMIT ?)"
"""Each source by itself ends after so many: sorted together, all roots of the period would be read first."""


def found(connection: sqlite3.Connection, where: Filter, limit: int) -> Rows[TraceRow]:
    """Traces that fit, the last begun first."""
    roots = over("r", where, time="ts_ns", columns=())
    runs = over("s", where, time="started_ns", columns=())
    conditions = Where()
    if where.trace_id is not None:
        conditions.add("t.trace_id = ?", where.trace_id)
    complete = contain(connection, where, "trace_id", "t.trace_id", conditions)
    _own(where, conditions)
    # Fetched as far as they are counted: asking a second time for their number would cost as much again.
    most = max(limit + 1, COUNTED_UP_TO)
    parts, values = [], list[Any]()
    for source, period in ((_ROOTS, roots), (_RUNS, runs)):
        parts.append(_NEWEST.format(source=source.format(period=period.sql), conditions=conditions.sql))
        values += (*period.values, *conditions.values, most)
    statement = f"SELECT t.* FROM ({' UNION ALL '.join(parts)}) t ORDER BY t.start_ns DESC, t.trace_id LIMIT ?"
    rows = connection.execute(statement, (*values, most)).fetchall()
    more = len(rows) > limit
    return Rows(_summed(connection, rows[:limit]), more or not complete, len(rows) if complete else None)


def _own(where: Filter, conditions: Where) -> None:
    """What is said about the trace itself."""
    if where.status == v.STATUS_ERROR:
        with_error(where, "trace_id", "t.trace_id", conditions)
    elif where.status is not None:
        conditions.add("t.status = ?", where.status)
    if where.min_duration_ns is not None:
        conditions.add("t.end_ns - t.start_ns >= ?", where.min_duration_ns)


def _summed(connection: sqlite3.Connection, rows: list[sqlite3.Row]) -> tuple[TraceRow, ...]:
    ids = [row["trace_id"] for row in rows]
    activity = activity_of(connection, "trace_id", ids)
    costs = costs_of(connection, "trace_id", ids)
    return tuple(_row(dict(row), activity, costs) for row in rows)


def _row(row: dict[str, Any], activity: Any, costs: Any) -> TraceRow:
    tokens, cost = costs.get(row["trace_id"], (Tokens(), Cost()))
    return TraceRow(**row, activity=activity.get(row["trace_id"], Activity()), tokens=tokens, cost=cost)
