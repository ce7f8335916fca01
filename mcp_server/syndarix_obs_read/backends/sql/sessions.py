"""Sessions: all runs under one session id, the one that began first giving agent, user and outcome."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Activity, Cost, Tokens
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import COUNTED_UP_TO, Rows, SessionRow
from syndarix_obs_read.backends.sql.conditions import Where, bindable, over
from syndarix_obs_read.backends.sql.membership import contain
from syndarix_obs_read.backends.sql.sums import activity_of, costs_of

_IS_FIRST: Final = (
    "NOT EXISTS (SELECT 1 FROM sessions e WHERE e.session_id = s.session_id"
    " AND (e.started_ns, e.span_id) < (s.started_ns, s.span_id))"
)
_FIRST: Final = (
    "session_id", "agent_type", "project", "user", "service", "environment", "status", "outcome", "error_type",
    "error_message",
)  # fmt: skip
"""Columns that the first run speaks for the whole session."""


def found(connection: sqlite3.Connection, where: Filter, limit: int) -> Rows[SessionRow]:
    """Sessions that fit, the last begun first."""
    conditions = over("s", where, time="started_ns", columns=())
    conditions.add(_IS_FIRST)
    if where.session_id is not None:
        conditions.add("s.session_id = ?", where.session_id)
    if where.trace_id is not None:
        conditions.add("s.session_id IN (SELECT session_id FROM sessions WHERE trace_id = ?)", where.trace_id)
    if where.status is not None:
        conditions.add("s.status = ?", where.status)
    if where.min_duration_ns is not None:
        conditions.add("coalesce(s.ended_ns, s.last_progress_ns) - s.started_ns >= ?", where.min_duration_ns)
    complete = contain(connection, where, "session_id", "s.session_id", conditions)
    return _page(connection, conditions, limit, complete)


def outcomes(connection: sqlite3.Connection, session_ids: Collection[str]) -> dict[str, tuple[str, str | None]]:
    """Status and outcome of some sessions, as their first run has them."""
    wanted = json.dumps([bindable(session) for session in session_ids])
    statement = (
        "SELECT s.session_id, s.status, s.outcome FROM json_each(?) j CROSS JOIN sessions s ON s.session_id = j.value"
        f" WHERE {_IS_FIRST}"
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(statement, (wanted,))}


def _page(connection: sqlite3.Connection, conditions: Where, limit: int, complete: bool) -> Rows[SessionRow]:
    statement = (
        f"SELECT s.session_id FROM sessions s WHERE {conditions.sql} ORDER BY s.started_ns DESC, s.session_id LIMIT ?"
    )
    # Fetched as far as they are counted: asking a second time for their number would cost as much again.
    most = max(limit + 1, COUNTED_UP_TO)
    ids = [row[0] for row in connection.execute(statement, (*conditions.values, most))]
    more = len(ids) > limit or not complete
    return Rows(_summed(connection, ids[:limit]), more, len(ids) if complete else None)


def _summed(connection: sqlite3.Connection, ids: list[str]) -> tuple[SessionRow, ...]:
    runs: dict[str, list[dict[str, Any]]] = {session: [] for session in ids}
    where = Where()
    where.among("session_id", ids)
    statement = f"SELECT * FROM sessions WHERE {where.sql} ORDER BY started_ns, span_id"
    for row in connection.execute(statement, where.values):
        runs[row["session_id"]].append(dict(row))
    activity = activity_of(connection, "session_id", ids)
    costs = costs_of(connection, "session_id", ids)
    return tuple(_row(runs[i], activity.get(i, Activity()), *costs.get(i, (Tokens(), Cost()))) for i in ids)


def _row(runs: list[dict[str, Any]], activity: Activity, tokens: Tokens, cost: Cost) -> SessionRow:
    first = runs[0]
    return SessionRow(
        **{name: first[name] for name in _FIRST},
        trace_ids=tuple(dict.fromkeys(run["trace_id"] for run in runs)),
        agents=tuple(dict.fromkeys(run["agent"] for run in runs if run["agent"])),
        start_ns=first["started_ns"],
        end_ns=None if first["status"] == v.STATUS_RUNNING else max(run["ended_ns"] or 0 for run in runs),
        last_progress_ns=max(run["last_progress_ns"] for run in runs),
        activity=activity,
        tokens=tokens,
        cost=cost,
    )
