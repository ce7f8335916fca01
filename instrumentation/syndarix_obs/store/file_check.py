"""Look at a file before SQLite may open it for writing: is it ours, whole, on a local disk, and not newer than this
package?

Only SQLite opens the file, through an immutable connection that takes no lock and leaves no `-wal`. Closing any other
descriptor of it, `open(path).close()`, would drop the locks of every connection of this process (POSIX), and another
process would then delete the write-ahead log that this one writes.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

from syndarix_obs.errors import StoreCorrupt, StoreError, StoreTooNew
from syndarix_obs.store.filesystem import refuse_network
from syndarix_obs.store.migrations import MIGRATIONS
from syndarix_obs.store.schema import APPLICATION_ID

_LOOKS: Final = 3
_PAUSE_S: Final = 0.05


def check(path: Path) -> None:
    """Refuse a file that is damaged, not ours, or newer than this package, and leave it as it is.

    A missing or empty file passes: it becomes a store. Another process may be writing while we look, so
    that a bad impression counts only when it lasts.

    Raises:
        StoreCorrupt: it is damaged or not ours.
        StoreTooNew: a newer version wrote it.
        StoreError: it cannot be read, or lies on a network file system.
    """
    refuse_network(path)
    for look in range(_LOOKS):
        try:
            _look(path)
        except StoreCorrupt:
            if look == _LOOKS - 1:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


def refuse_newer(path: Path, version: int) -> None:
    """Raise StoreTooNew if `version` is one that this package does not know."""
    if version > len(MIGRATIONS):
        raise StoreTooNew(
            f"the store {path} has schema {version}, this version of syndarix-obs knows up to "
            f"{len(MIGRATIONS)}: upgrade syndarix-obs, or set SYNDARIX_OBS_HOME to another folder; the file "
            "was not changed"
        )


def uri(path: Path, options: str) -> str:
    """The file as an SQLite URI with options, for example `mode=ro`."""
    return f"file:{quote(str(path.absolute()))}?{options}"


def _look(path: Path) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"cannot read the store {path}: {error}") from error
    if not size:
        return
    try:
        connection = sqlite3.connect(uri(path, "mode=ro&immutable=1"), uri=True)
    except sqlite3.Error as error:
        raise StoreError(f"cannot read the store {path}: {error}") from error
    try:
        if _check_header(path, connection) and not _has_journal(path):
            _check_tables(path, connection)
    finally:
        connection.close()


def _check_header(path: Path, connection: sqlite3.Connection) -> bool:
    """Whether the file's own pages can be judged: with a journal beside it, it makes no sense without that."""
    try:
        ours = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code == sqlite3.SQLITE_NOTADB:
            raise _corrupt(path, "it is not an SQLite file") from error
        if code != sqlite3.SQLITE_CORRUPT:
            raise StoreError(f"cannot read the store {path}: {error}") from error
        if _has_journal(path):
            return False
        # The header is read before any table: what SQLite finds wrong there is the number of pages.
        raise _corrupt(path, "it was cut short") from error
    if ours:
        refuse_newer(path, version)
    return True


def _has_journal(path: Path) -> bool:
    """A writer is at work or died at work: SQLite has to look at the journal before the file makes sense."""
    for suffix in ("-wal", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            if os.stat(f"{path}{suffix}").st_size:
                return True
    return False


def _check_tables(path: Path, connection: sqlite3.Connection) -> None:
    try:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        ours = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
        if tables and ours:
            connection.execute("SELECT max(id), (SELECT max(id) FROM ledger) FROM records").fetchone()
    except sqlite3.DatabaseError as error:
        raise _corrupt(path, str(error)) from error
    if tables and not ours:
        raise _corrupt(path, "it is an SQLite file of another program")


def _corrupt(path: Path, cause: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"the store {path} cannot be used: {cause}; the file was not changed. `syndarix-obs doctor --repair` saves "
        "what can be read; or move it away, or set SYNDARIX_OBS_HOME to another folder"
    )
