"""What can be asked for: values that occur, and since when."""

from __future__ import annotations

import sqlite3
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.errors import FilterError

_FROM: Final = {
    "agent": ("sessions", "1"),
    "project": ("sessions", "1"),
    "user": ("sessions", "1"),
    "service": ("sessions", "1"),
    "environment": ("sessions", "1"),
    "task_type": ("records", f"kind = '{v.KIND_TASK}'"),
    "model": ("records", f"kind = '{v.KIND_LLM_CALL}'"),
    "tool": ("records", f"kind = '{v.KIND_TOOL_CALL}'"),
    "decision_type": ("records", f"kind = '{v.KIND_DECISION}'"),
}
"""Where each field's values stand: table and condition."""


def distinct(connection: sqlite3.Connection, field: str, limit: int) -> list[str]:
    """Values of a filter field that occur, in order of the alphabet."""
    if field not in _FROM:
        raise FilterError(f"there are no names for {field!r}; possible: {', '.join(_FROM)}")
    table, condition = _FROM[field]
    statement = f'SELECT DISTINCT "{field}" FROM {table} WHERE {condition} AND "{field}" IS NOT NULL ORDER BY 1 LIMIT ?'
    return [str(row[0]) for row in connection.execute(statement, (limit,))]


def extent(connection: sqlite3.Connection) -> tuple[int, int] | None:
    """Times of the oldest and the newest record, ledger and running sessions included."""
    ends = [_ends(connection, "ledger", "ts_ns", "1"), _ends(connection, "sessions", "started_ns", "1")]
    ends += [_ends(connection, "records", "ts_ns", f"kind = '{kind}'") for kind in v.KINDS]
    known = [end for end in ends if end is not None]
    return (min(first for first, _ in known), max(last for _, last in known)) if known else None


def _ends(connection: sqlite3.Connection, table: str, time: str, condition: str) -> tuple[int, int] | None:
    # Two statements: SQLite answers min or max from an index, but not both at once.
    ends = [
        connection.execute(f"SELECT {which}({time}) FROM {table} WHERE {condition}").fetchone()[0]
        for which in ("min", "max")
    ]
    return None if ends[0] is None else (int(ends[0]), int(ends[1]))
