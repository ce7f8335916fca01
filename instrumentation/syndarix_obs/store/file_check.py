"""Look at a file before SQLite may open it for writing: is it ours, whole, and not newer than this package?

Only reads: the header by hand, then the tables through an immutable connection, which takes no lock and
leaves no `-wal` beside the file.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

from syndarix_obs.errors import StoreCorrupt, StoreError, StoreTooNew
from syndarix_obs.store.migrations import MIGRATIONS
from syndarix_obs.store.schema import APPLICATION_ID

_MAGIC: Final = b"SQLite format 3\x00"
_HEADER_BYTES: Final = 100
_LOOKS: Final = 3
_PAUSE_S: Final = 0.05


def check(path: Path) -> None:
    """Refuse a file that is damaged, not ours, or newer than this package, and leave it as it is.

    A missing or empty file passes: it becomes a store. Another process may be writing while we look, so
    that a bad impression counts only when it lasts.

    Raises:
        StoreCorrupt: it is damaged or not ours.
        StoreTooNew: a newer version wrote it.
        StoreError: it cannot be read.
    """
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
        with path.open("rb") as file:
            header, size = file.read(_HEADER_BYTES), os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"cannot read the store {path}: {error}") from error
    if not header:
        return
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise _corrupt(path, "it is not an SQLite file")
    if _number(header, 68) == APPLICATION_ID:
        refuse_newer(path, _number(header, 60))
    if not _has_journal(path):
        _check_size(path, header, size)
        _check_tables(path)


def _number(header: bytes, offset: int) -> int:
    return int.from_bytes(header[offset : offset + 4], "big")


def _has_journal(path: Path) -> bool:
    """A writer is at work or died at work: SQLite has to look at the journal before the file makes sense."""
    for suffix in ("-wal", "-journal"):
        beside = Path(f"{path}{suffix}")
        if beside.exists() and beside.stat().st_size:
            return True
    return False


def _check_size(path: Path, header: bytes, size: int) -> None:
    """A file shorter than its header says was cut. The page count only holds if the change counters agree."""
    page = int.from_bytes(header[16:18], "big")
    pages = _number(header, 28) if header[24:28] == header[92:96] else 0
    if size < pages * (65536 if page == 1 else page):
        raise _corrupt(path, "it was cut short")


def _check_tables(path: Path) -> None:
    try:
        connection = sqlite3.connect(uri(path, "mode=ro&immutable=1"), uri=True)
        try:
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            ours = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
            if tables and ours:
                connection.execute("SELECT max(id), (SELECT max(id) FROM ledger) FROM records").fetchone()
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise _corrupt(path, str(error)) from error
    if tables and not ours:
        raise _corrupt(path, "it is an SQLite file of another program")


def _corrupt(path: Path, cause: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"the store {path} cannot be used: {cause}; the file was not changed. Move it away, or set "
        "SYNDARIX_OBS_HOME to another folder"
    )
