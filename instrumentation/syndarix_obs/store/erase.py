"""Take a person out of the store, so that the file's bytes do not hold the person either; events and costs stay.

Works in small transactions, can be stopped at any point and be run again. `scrub` comes last: it writes the file anew,
without free pages, and empties the write-ahead log.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from syndarix_obs.records.anonymous import EXTRA_KEPT, TOOL_SELECTION
from syndarix_obs.store.contents import delete_payloads, sweep
from syndarix_obs.store.database import is_busy, retry_while_busy, transaction
from syndarix_obs.store.schema import SEARCH_TEXT
from syndarix_obs.store.search import indexed_to
from syndarix_obs.store.tombstones import Tombstones

_STEP: Final = 200
_WAIT_S: Final = 30.0
_APPLIED: Final = "tombstones"
_TABLES: Final = ("records", "ledger", "sessions")

_KEYS: Final = '"user" = NULL, session_id = CASE WHEN session_id IS NULL THEN NULL ELSE trace_id END'
_MINE: Final = '("user" = ?1 OR "user" IS NULL AND trace_id IN (SELECT id FROM temp.erased_traces))'
_LEDGER: Final = f"UPDATE ledger SET {_KEYS} WHERE {_MINE}"
_SESSIONS: Final = (
    f"UPDATE OR REPLACE sessions SET {_KEYS}, outcome = NULL, error_message = NULL WHERE {_MINE}"
)
_EXTRA: Final = ", ".join(f"'{name}', extra -> '$.{name}'" for name in EXTRA_KEPT)
_KEEP_EXTRA: Final = f"nullif(json_patch('{{}}', json_object({_EXTRA})), '{{}}')"
"""A patch leaves out what is null."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Rows of each table that lost their person."""

    records: int = 0
    ledger: int = 0
    sessions: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.records + self.ledger + self.sessions


def traces_of(connection: sqlite3.Connection, pseudonym: str, sessions: Sequence[str] = ()) -> list[str]:
    """Traces in which this user took part and nobody else did: what names no user in them is this user's, too. So are
    notes, scores and lines that name no user but one of these traces or a session of this user.

    Args:
        sessions: further names of sessions of the user, when an earlier run has asked already.
    """
    mine = _traces(connection, '"user" = ?', pseudonym)
    others = _traces(connection, '"user" IS NOT NULL AND "user" <> ?', pseudonym) if mine or sessions else set()
    names = sorted({*sessions, *sessions_of(connection, pseudonym)})
    return sorted((mine | _about(connection, mine - others, names)) - others)


def _about(connection: sqlite3.Connection, traces: set[str], sessions: Sequence[str]) -> set[str]:
    listed = json.dumps(sorted(traces)), json.dumps(list(sessions))
    parts = [f'SELECT trace_id FROM {table} WHERE "user" IS NULL AND session_id IN (SELECT value FROM json_each(?2))'
             for table in _TABLES]  # fmt: skip
    parts.append('SELECT trace_id FROM records WHERE "user" IS NULL AND target IN (SELECT value FROM json_each(?1))')
    return {row[0] for row in connection.execute(" UNION ".join(parts), listed) if row[0]}


def sessions_of(connection: sqlite3.Connection, pseudonym: str) -> list[str]:
    """Names of the sessions of a user, as the caller chose them; ids of traces, and names that other users' sessions
    have, too, are not among them."""
    parts = " UNION ".join(
        f'SELECT session_id FROM {table} WHERE "user" = ?1 AND session_id <> trace_id'
        for table in _TABLES
    )
    mine = {row[0] for row in connection.execute(parts, (pseudonym,)) if row[0]}
    shared = " UNION ".join(
        f'SELECT session_id FROM {table} WHERE session_id IN (SELECT value FROM json_each(?2)) AND "user" <> ?1'
        for table in _TABLES
    )
    return sorted(mine - {row[0] for row in connection.execute(shared, (pseudonym, json.dumps(sorted(mine))))})


def first_seen(connection: sqlite3.Connection, pseudonym: str) -> int:
    """When a user's earliest record began, nanoseconds since the epoch; 0 without any."""
    found = connection.execute('SELECT min(ts_ns) FROM records WHERE "user" = ?', (pseudonym,)).fetchone()[0]
    return int(found or 0)


def count_of(connection: sqlite3.Connection, pseudonym: str) -> Erased:
    """Rows of each table under a user's pseudonym."""
    count = 'SELECT count(*) FROM {} WHERE "user" = ?'
    return Erased(*(int(connection.execute(count.format(table), (pseudonym,)).fetchone()[0]) for table in _TABLES))


def erase_person(connection: sqlite3.Connection, pseudonym: str, traces: Sequence[str] | None = None) -> Erased:
    """Make every row of a user anonymous (`records.anonymous`), with payloads and index entries gone.

    Args:
        connection: from `database.open_for_write`.
        pseudonym: the user's.
        traces: from `traces_of`, when an earlier run has asked already.

    Raises:
        sqlite3.Error: the store is locked for long, full or damaged; what was erased stays erased.
    """
    before = connection.execute("PRAGMA secure_delete").fetchone()[0]
    connection.execute("PRAGMA secure_delete = ON")
    try:
        _list_traces(connection, traces_of(connection, pseudonym) if traces is None else traces)
        records = _erase_records(connection, pseudonym)
        ledger = _write(connection, _LEDGER, pseudonym)
        sessions = _write(connection, _SESSIONS, pseudonym)
    finally:
        connection.execute(f"PRAGMA secure_delete = {before}")
    return Erased(records, ledger, sessions)


def scrub(connection: sqlite3.Connection, wait_s: float = _WAIT_S) -> bool:
    """Write the file anew and empty its log: nothing that was deleted is in their bytes any more, and no content that
    nothing refers to.

    Returns:
        False when readers kept the old log in use for `wait_s` seconds; call again.
    """
    with transaction(connection, wait_s):
        sweep(connection)
    retry_while_busy(lambda: connection.execute("INSERT INTO search (search) VALUES ('optimize')"), wait_s)
    retry_while_busy(lambda: connection.execute("VACUUM"), wait_s)
    deadline = time.monotonic() + wait_s
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True


def reapply(connection: sqlite3.Connection, tombstones: Tombstones) -> int:
    """Erase who has a tombstone and is here again, as after a backup was put back; returns how many those were.

    Costs a look at one number when nothing has changed. A store that is in use is left for the next time.
    """
    if not is_behind(connection, tombstones):
        return 0
    state = tombstones.state()
    try:
        known = tombstones.among(_users(connection))
        for pseudonym in known:
            erase_person(connection, pseudonym)
        if known and not scrub(connection, 1.0):
            return len(known)
        mark_applied(connection, state)
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        return 0
    return len(known)


def is_behind(connection: sqlite3.Connection, tombstones: Tombstones) -> bool:
    """Whether somebody was erased since this file was last made free of the erased."""
    state = tombstones.state()
    return bool(state) and _applied(connection) != state


def mark_applied(connection: sqlite3.Connection, state: str) -> None:
    """Note up to which tombstone everybody is gone from this file."""
    connection.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (_APPLIED, state)
    )


def _applied(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_APPLIED,)).fetchone()
    return str(row[0]) if row else ""


def _users(connection: sqlite3.Connection) -> list[str]:
    parts = " UNION ".join(f'SELECT "user" FROM {table} WHERE "user" IS NOT NULL' for table in _TABLES)
    return [row[0] for row in connection.execute(parts)]


def _traces(connection: sqlite3.Connection, where: str, pseudonym: str) -> set[str]:
    one = f"WHERE {where.replace('?', '?1')}"
    parts = " UNION ".join(f"SELECT trace_id FROM {table} {one}" for table in _TABLES)
    return {row[0] for row in connection.execute(parts, (pseudonym,)) if row[0]}


def _list_traces(connection: sqlite3.Connection, traces: Sequence[str]) -> None:
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS erased_traces (id TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.execute("DELETE FROM temp.erased_traces")
    connection.executemany("INSERT OR IGNORE INTO temp.erased_traces VALUES (?)", [(each,) for each in traces])


def _erase_records(connection: sqlite3.Connection, pseudonym: str) -> int:
    ids = [row[0] for row in connection.execute(f"SELECT id FROM records WHERE {_MINE}", (pseudonym,))]
    for start in range(0, len(ids), _STEP):
        with transaction(connection, _WAIT_S):
            _erase_some(connection, ids[start : start + _STEP])
    return len(ids)


def _erase_some(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    marks = json.dumps(list(ids))
    chosen = "id IN (SELECT value FROM json_each(?))"
    mark = indexed_to(connection)
    rows = f"r.id, {SEARCH_TEXT} FROM records r LEFT JOIN payloads p ON p.id = r.id WHERE r.id <= ? AND r.{chosen}"
    connection.execute(f"INSERT INTO search (search, rowid, text) SELECT 'delete', {rows}", (mark, marks))
    delete_payloads(connection, ids)
    connection.execute(
        f"UPDATE records SET {_KEYS}, name = kind, error_message = NULL, outcome = NULL, target = NULL, label = NULL,"
        f" selected = CASE decision_type WHEN '{TOOL_SELECTION}' THEN selected END,"
        f" extra = CASE WHEN extra IS NULL THEN NULL ELSE {_KEEP_EXTRA} END WHERE {chosen}",
        (marks,),
    )
    connection.execute(f"INSERT INTO search (rowid, text) SELECT {rows}", (mark, marks))



def _write(connection: sqlite3.Connection, statement: str, pseudonym: str) -> int:
    with transaction(connection, _WAIT_S):
        return int(connection.execute(statement, (pseudonym,)).rowcount)
