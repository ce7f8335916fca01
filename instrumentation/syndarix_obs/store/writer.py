"""Records into the store, one transaction per batch. A record that is already there counts once.

A writer belongs to one thread, the store's own (`destinations/sqlite.py`): a lock held by another process
then delays nobody but the store. Between batches it holds no lock. Writers of one file in one process share a
connection (`handle.py`).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.errors import StoreError
from syndarix_obs.guard import record_failure
from syndarix_obs.records.anonymous import anonymous_record
from syndarix_obs.records.model import CostRecord, Record, SessionRecord
from syndarix_obs.store import coding_steps, corrections, hours, rows, search
from syndarix_obs.store import handle as handles
from syndarix_obs.store.classes import Rule, apply, note
from syndarix_obs.store.database import transaction
from syndarix_obs.store.schema import LARGEST_INTEGER
from syndarix_obs.store.tombstones import Tombstones

_ATTEMPTS: Final = 3
_STEPS: Final = frozenset({v.KIND_TOOL_CALL, v.KIND_DECISION})
_MOST_PAGES: Final = 2**30  # SQLite's own limit


class StoreWriter:
    """Writes batches of records into the store at `path`; opens it at once.

    Args:
        timeout_s: seconds to wait for other processes while opening.
        max_bytes: size at which the file counts as full, None for no limit but the disk's.

    Raises:
        StoreError, StoreCorrupt, StoreTooNew: as `database.open_for_write`.
    """

    def __init__(self, path: Path | str, *, timeout_s: float = 10.0, max_bytes: int | None = None) -> None:
        self._path = Path(path)
        self._handle = handles.acquire(self._path, timeout_s)
        self._max_bytes = max_bytes
        self._tombstones = Tombstones(self._path.parent)
        self.rejected = 0

    def write(self, records: Sequence[Record]) -> int:
        """Store a batch in one transaction; returns how many records are new.

        A record whose values SQLite cannot hold is stored with those values forced into shape; one that
        even so cannot be stored is left out and counted in `rejected`.

        Raises:
            sqlite3.Error: the store is locked, full or damaged (`database.is_busy`, `is_full`, `is_damaged`);
                nothing of the batch was stored, and it may be written again.
        """
        for _ in range(_ATTEMPTS):
            rejected = self.rejected
            with self._handle.use() as connection:
                self._limit(connection)
                with transaction(connection):
                    # Looked at under the lock: who is erased after this is erased with what is stored here.
                    if self._tombstones:
                        records = [self._without_person(record) for record in records]
                    stored = sum([self._store(connection, record) for record in records])
                    self._move_progress(connection, records)
                if self._handle.is_current():
                    return stored
            self.rejected = rejected  # it went into a log that is no longer the file's: once more
        raise StoreError(f"the store {self._path} was deleted or replaced while it was written: try again")

    def index(self, seconds: float) -> bool:
        """Bring sums and text index up to date for about that long; True when nothing is left to do."""
        deadline = time.monotonic() + seconds
        with self._handle.use() as connection:
            return hours.catch_up(connection, seconds) and search.catch_up(
                connection, max(0.0, deadline - time.monotonic())
            )

    def keep_to(self, found: list[Rule], now_ns: int, seconds: float) -> bool:
        """Delete what is too old by its class (`classes.apply`) for about that long; True when nothing is left."""
        with self._handle.use() as connection:
            done = not any(apply(connection, found, now_ns, seconds=seconds).values())
            if done:
                note(connection, found, now_ns)
            return done

    def is_current(self) -> bool:
        """False when the file was deleted or replaced, so that what is written here would be lost."""
        return self._handle.is_current()

    def close(self) -> None:
        """Give the file back."""
        handles.release(self._handle)

    def _without_person(self, record: Record) -> Record:
        return anonymous_record(record) if self._tombstones.concern(record.user, record.session_id) else record

    def _limit(self, connection: sqlite3.Connection) -> None:
        """Writers that share a connection may differ in how large the file may grow."""
        pages = _MOST_PAGES
        if self._max_bytes is not None:
            pages = max(1, self._max_bytes // connection.execute("PRAGMA page_size").fetchone()[0])
        connection.execute(f"PRAGMA max_page_count = {pages}")

    def _store(self, connection: sqlite3.Connection, record: Record) -> bool:
        if not rows.breaks_search(record):
            try:
                return self._insert(connection, record, _as_is)
            except Exception as error:  # noqa: BLE001 - values of any kind may come; tried again below
                _raise_trouble(error)
        try:
            return self._insert(connection, record, rows.storable)
        except Exception as error:  # noqa: BLE001 - one bad record must not take the others down
            _raise_trouble(error)
            self.rejected += 1
            record_failure("store.record", error)
            return False

    def _insert(
        self, connection: sqlite3.Connection, record: Record, prepare: Callable[[rows.Values], rows.Values]
    ) -> bool:
        if isinstance(record, CostRecord):
            stored = connection.execute(rows.INSERT_LEDGER, prepare(rows.ledger_values(record))).rowcount > 0
            if stored and (correction := corrections.of(record)) is not None:
                connection.execute(*correction)
            return stored
        if isinstance(record, SessionRecord):
            connection.execute(rows.UPSERT_SESSION, prepare(rows.session_values(record)))
            if record.status == v.STATUS_RUNNING:
                return False
        shape = rows.shape_of(record)
        cursor = connection.execute(shape.statement, prepare(shape.bind(record)))
        if cursor.rowcount < 1:
            return False
        if record.kind in _STEPS and (replacing := coding_steps.replaced(record)) is not None:
            connection.execute(*replacing)
        if record.payload and record.payload != "{}":
            rows.put_payload(connection, cursor.lastrowid or 0, record.payload)
        return True

    def _move_progress(self, connection: sqlite3.Connection, records: Sequence[Record]) -> None:
        latest: dict[str, int] = {}
        for record in records:
            session = record.session_id
            if record.kind == v.KIND_SCORE:  # what somebody says about a session is no step of it
                continue
            if type(session) is str and latest.get(session, 0) < record.end_ns <= LARGEST_INTEGER:
                latest[session] = record.end_ns
        try:
            moved = ({"session": session, "ns": ns} for session, ns in latest.items())
            connection.executemany(rows.MOVE_PROGRESS, moved)
        except UnicodeEncodeError as error:  # a session id that is no text; its rows are stored all the same
            record_failure("store.progress", error)


def _raise_trouble(error: Exception) -> None:
    """Raise what is wrong with the store (locked, full, damaged) and not with the values of one record."""
    if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
        raise error


def _as_is(values: Any) -> Any:
    return values
