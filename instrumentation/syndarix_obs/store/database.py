"""Open the store for writing or reading, and bring its schema up to date.

Only a file that passes `file_check.check` is opened, so that a damaged, foreign or newer one stays as it is.
"""

from __future__ import annotations

import random
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from syndarix_obs import vocabulary as v
from syndarix_obs.encryption import TOKEN
from syndarix_obs.errors import StoreCorrupt, StoreError
from syndarix_obs.store import tombstones
from syndarix_obs.store.contents import is_referring, text_of
from syndarix_obs.store.file_check import check, refuse_newer, uri
from syndarix_obs.store.holders import refuse_inherited
from syndarix_obs.store.migrations import MIGRATIONS
from syndarix_obs.store.private_file import create_private
from syndarix_obs.store.schema import APPLICATION_ID, payload_text

BUSY_TIMEOUT_S: Final = 0.5
"""Seconds that a statement waits for a lock before it reports `database is locked`. Who can wait longer tries again
(`retry_while_busy`) and can be stopped in between."""

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_T = TypeVar("_T")


def open_for_write(path: Path | str, *, timeout_s: float = 10.0) -> sqlite3.Connection:
    """A connection that may write, on a file that exists, is ours and has the newest schema.

    Missing folders are made for the owner only (0700), a new file too (0600). Transactions are explicit
    (`isolation_level=None`). It may be used from any thread, by one at a time.

    Raises:
        StoreCorrupt: the file is damaged or not ours; it was not changed.
        StoreTooNew: a newer version wrote the file; it was not changed.
        StoreError: folder or file cannot be made or opened, or stayed locked for `timeout_s` seconds.
    """
    path = Path(path)
    refuse_inherited(path)
    check(path)
    try:
        _create(path)
        connection = retry_while_busy(lambda: _connect_for_write(path), timeout_s)
        _erase_again(path, connection)
        return connection
    except (OSError, sqlite3.Error) as error:
        kind = StoreCorrupt if isinstance(error, sqlite3.Error) and is_damaged(error) else StoreError
        raise kind(f"cannot open the store {path} for writing: {error}") from error


def open_for_read(path: Path | str) -> sqlite3.Connection:
    """A read-only connection with `sqlite3.Row` rows; works while any number of processes write.

    It may be used from any thread, by one at a time. Keep reads short: a long one keeps the write-ahead
    log growing. A file with an older schema is migrated first.

    Raises:
        StoreError: there is no store yet, or it cannot be read.
        StoreCorrupt: the file is damaged or not ours; it was not changed.
        StoreTooNew: a newer version wrote the file; it was not changed.
    """
    path = Path(path)
    if not path.exists() or path.stat().st_size == 0:
        raise StoreError(
            f"no store at {path} yet: run `syndarix-obs demo` to fill one with an example, or run an agent "
            "with syndarix_obs; SYNDARIX_OBS_HOME says where the store lives"
        )
    refuse_inherited(path)
    check(path)
    try:
        connection = _connect_for_read(path)
        if _version(connection) < len(MIGRATIONS) or _is_behind(path, connection):
            connection.close()
            open_for_write(path).close()
            connection = _connect_for_read(path)
    except sqlite3.Error as error:
        raise StoreError(f"cannot read the store {path}: {error}") from error
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, wait_s: float = 0.0) -> Iterator[None]:
    """Write within the block: all of it is stored, or, when anything raises, nothing.

    Args:
        connection: from `open_for_write`.
        wait_s: seconds for which a locked store is asked again, beyond the connection's own waiting.

    Raises:
        sqlite3.OperationalError: another writer kept the store locked (`is_busy`).
    """
    retry_while_busy(lambda: connection.execute("BEGIN IMMEDIATE"), wait_s)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def migrate(connection: sqlite3.Connection) -> int:
    """Apply every migration that the file has not had, in one transaction; returns how many that were."""
    if _version(connection) >= len(MIGRATIONS):
        return 0
    with transaction(connection):
        applied = _version(connection)  # again, under the lock: another process may have been quicker
        connection.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT)")
        for migration in MIGRATIONS[applied:]:
            for statement in migration.statements():
                connection.execute(statement)
            connection.execute("INSERT INTO migrations VALUES (?, datetime('now'))", (migration.name,))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    return len(MIGRATIONS) - applied


def is_busy(error: sqlite3.Error) -> bool:
    """True when another connection holds the lock: try again later."""
    return _primary(error) in _BUSY


def is_full(error: sqlite3.Error) -> bool:
    """True when the disk is full or gone: nothing more can be written for now."""
    return _primary(error) in _FULL


def is_damaged(error: sqlite3.Error) -> bool:
    """True when the file turned out to be damaged: nothing can be written any more."""
    return _primary(error) in _DAMAGED


def retry_while_busy(action: Callable[[], _T], timeout_s: float) -> _T:
    """Call `action` until it is not refused by a lock, with jittered pauses, for up to `timeout_s`
    seconds."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return action()
        except sqlite3.Error as error:
            if not is_busy(error) or time.monotonic() >= deadline:
                raise
        time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 - spreads waiting processes; nothing secret


def _connect_for_write(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, factory=_Connection
    )
    try:
        _add_functions(connection)
        refuse_newer(path, _version(connection))  # not seen by `check` if it stands in the log alone
        # For a new file only: three payloads of 2 KB to a page, where the default of 4096 holds one.
        connection.execute("PRAGMA page_size = 8192")
        # Migrated before the switch to WAL, so that version and owner stand in the file itself from the
        # start.
        if migrate(connection):
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_for_read(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri(path, "mode=ro"), uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False,
        factory=_Connection,
    )  # fmt: skip
    try:
        connection.execute("PRAGMA query_only = ON")
        refuse_newer(path, _version(connection))  # not seen by `check` if it stands in the log alone
    except BaseException:
        connection.close()
        raise
    connection.row_factory = sqlite3.Row
    _add_functions(connection)
    return connection


def _is_behind(path: Path, connection: sqlite3.Connection) -> bool:
    """Whether somebody was erased since this file was written, as when a backup was put back."""
    if not (path.parent / tombstones.FOLDER).is_dir():
        return False
    from syndarix_obs.store.erase import is_behind

    return is_behind(connection, tombstones.Tombstones(path.parent))


def _erase_again(path: Path, connection: sqlite3.Connection) -> None:
    if (path.parent / tombstones.FOLDER).is_dir():
        from syndarix_obs.store.erase import reapply

        reapply(connection, tombstones.Tombstones(path.parent))


def _create(path: Path) -> None:
    missing = [folder for folder in path.absolute().parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    create_private(path)


class _Connection(sqlite3.Connection):
    """A connection that can be referred to weakly: its own functions ask it, and must not keep it open."""


def _add_functions(connection: sqlite3.Connection) -> None:
    myself = weakref.ref(connection)

    def unpack(body: str | bytes | None) -> str | None:
        if isinstance(body, bytes) and is_referring(body):
            here = myself()
            return None if here is None else text_of(here, body)
        return payload_text(body)

    def searchable(body: bytes) -> str | None:
        text = unpack(body)
        return text if text is None or v.ENCRYPTED_PREFIX not in text else TOKEN.sub("", text)

    connection.create_function("unpack", 1, unpack)
    connection.create_function("searchable", 1, searchable)
    connection.create_function("contains", 2, _contains, deterministic=True)


def _contains(text: str, needle: str) -> bool:
    """LIKE for letters beyond ASCII, whose case it does not know."""
    return needle in text or needle.lower() in text.lower()


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _primary(error: sqlite3.Error) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
