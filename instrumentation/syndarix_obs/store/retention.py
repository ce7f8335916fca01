"""Let records go that are too old.

Works in small transactions, so that writers wait milliseconds, and can be stopped and run again at any point.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from syndarix_obs import vocabulary as v
from syndarix_obs.store import hours
from syndarix_obs.store.contents import delete_payloads
from syndarix_obs.store.database import transaction
from syndarix_obs.store.schema import SEARCH_TEXT
from syndarix_obs.store.search import indexed_to

_STEP: Final = 200
_WAIT_S: Final = 30.0
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Removed:
    """How many rows of each table went."""

    records: int = 0
    ledger: int = 0
    sessions: int = 0


def prune(
    connection: sqlite3.Connection,
    before_ns: int,
    *,
    ledger_before_ns: int | None = None,
    seconds: float | None = None,
) -> Removed:
    """Delete records (with payloads and index entries) and ended sessions that started before a time.

    Args:
        connection: from `database.open_for_write`.
        before_ns: nanoseconds since the epoch.
        ledger_before_ns: the same for the ledger; None keeps all of it, as it is small and years of cost
        are useful.
        seconds: stop about then, with a part of it done, and do not wait for other writers; None does all of it.

    Raises:
        sqlite3.OperationalError: other writers kept the store locked (`database.is_busy`); call again.
    """
    until = math.inf if seconds is None else time.monotonic() + seconds
    wait_s = _WAIT_S if seconds is None else 0.0
    kinds = ", ".join(f"'{kind}'" for kind in v.KINDS)  # named, so that the index by kind and time serves
    records = _delete_records(connection, f"kind IN ({kinds}) AND ts_ns < ?", (before_ns,), until, wait_s)
    sessions = _in_steps(
        connection,
        "DELETE FROM sessions WHERE (session_id, span_id) IN (SELECT session_id, span_id FROM sessions"
        " WHERE started_ns < ? AND ended_ns IS NOT NULL LIMIT ?)",
        (before_ns,),
        until,
        wait_s,
    )
    ledger = 0
    if ledger_before_ns is not None:
        ledger = _delete_ledger(connection, ledger_before_ns)
    return Removed(records, ledger, sessions)


def _delete_records(
    connection: sqlite3.Connection,
    where: str,
    parameters: Sequence[Any],
    until: float = math.inf,
    wait_s: float = _WAIT_S,
) -> int:
    removed = 0
    while step := _write(connection, lambda: _delete_some(connection, where, parameters), wait_s):
        removed += step
        if time.monotonic() >= until:
            break
    return removed


def _delete_ledger(connection: sqlite3.Connection, before_ns: int) -> int:
    removed = 0
    while step := _write(connection, lambda: _delete_lines(connection, before_ns)):
        removed += step
    _write(connection, lambda: hours.forget_before(connection, before_ns))
    return removed


def _delete_lines(connection: sqlite3.Connection, before_ns: int) -> int:
    chosen = "SELECT id FROM ledger WHERE ts_ns < ? ORDER BY ts_ns LIMIT ?"
    ids = [row[0] for row in connection.execute(chosen, (before_ns, _STEP))]
    if ids:
        hours.delete_rows(connection, ids)
    return len(ids)


def _delete_some(connection: sqlite3.Connection, where: str, parameters: Sequence[Any]) -> int:
    chosen = f"SELECT id FROM records WHERE {where} LIMIT {_STEP}"
    ids = [row[0] for row in connection.execute(chosen, parameters)]
    if ids:
        delete_records(connection, ids)
    return len(ids)


def delete_records(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Delete some records with payloads and index entries. Call it inside of a transaction."""
    marks = ", ".join("?" * len(ids))
    mark = indexed_to(connection)
    connection.execute(
        f"INSERT INTO search (search, rowid, text) SELECT 'delete', r.id, {SEARCH_TEXT}"
        f" FROM records r LEFT JOIN payloads p ON p.id = r.id WHERE r.id <= ? AND r.id IN ({marks})",
        (mark, *ids),
    )
    delete_payloads(connection, ids)
    connection.execute(f"DELETE FROM records WHERE id IN ({marks})", ids)
    # The highest ids may be given out again: what comes then has to be indexed.
    connection.execute(
        "UPDATE meta SET value = min(value, (SELECT coalesce(max(id), 0) FROM records))"
        " WHERE key = 'indexed_to'"
    )


def delete_sessions(connection: sqlite3.Connection, where: str, parameters: Sequence[Any]) -> int:
    """Delete sessions that have ended, by an SQL condition; returns how many."""
    statement = (
        f"DELETE FROM sessions WHERE (session_id, span_id) IN (SELECT session_id, span_id FROM sessions"
        f" WHERE {where} AND ended_ns IS NOT NULL LIMIT ?)"
    )
    return _in_steps(connection, statement, parameters, math.inf, _WAIT_S)


def _in_steps(
    connection: sqlite3.Connection, statement: str, parameters: Sequence[Any], until: float, wait_s: float
) -> int:
    removed = 0
    while step := _write(connection, lambda: connection.execute(statement, (*parameters, _STEP)).rowcount, wait_s):
        removed += step
        if time.monotonic() >= until:
            break
    return removed


def _write(connection: sqlite3.Connection, action: Callable[[], _T], wait_s: float = _WAIT_S) -> _T:
    """Run `action` in a transaction of its own, waiting for other writers."""
    with transaction(connection, wait_s):
        return action()
