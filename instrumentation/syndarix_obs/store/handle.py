"""One connection for writing per file and process, shared by all platforms of the process.

It is opened again when the file or its write-ahead log was deleted or replaced, and closed while the process forks.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from syndarix_obs.errors import StoreError
from syndarix_obs.store import holders
from syndarix_obs.store.database import open_for_write
from syndarix_obs.store.file_check import uri

_OPEN_WAIT_S: Final = 0.5
_handles: dict[str, Handle] = {}
_changing = threading.Lock()
_kept: list[sqlite3.Connection] = []
"""Connections of a parent process that was at work when it forked: closing them here would close its file."""

Stamp = tuple[int, int, int]


def stamp(path: Path) -> Stamp | None:
    """What tells a store from another in its place: device and inode of the file, inode of its log (0 without one);
    None when there is no file. Opens nothing."""
    try:
        found = path.stat()
    except OSError:
        return None
    try:
        log = os.stat(f"{path}-wal").st_ino
    except OSError:
        log = 0
    return found.st_dev, found.st_ino, log


def acquire(path: Path, timeout_s: float) -> Handle:
    """The process's handle of a file, open; give it back with `release`.

    Raises:
        StoreError, StoreCorrupt, StoreTooNew: as `database.open_for_write`.
    """
    key = os.path.realpath(path)
    with _changing:
        handle = _handles.get(key)
        if handle is None:
            handle = _handles[key] = Handle(path)
        handle.users += 1
    try:
        with handle.use(timeout_s):
            return handle
    except BaseException:
        release(handle)
        raise


def release(handle: Handle) -> None:
    """Close the file if nobody else in the process uses it."""
    with _changing:
        handle.users -= 1
        last = handle.users <= 0
        if last and _handles.get(key := os.path.realpath(handle.path)) is handle:
            del _handles[key]
    if last:
        handle.close()


class Handle:
    """The connection and the lock under which it is used. Get one with `acquire`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.users = 0
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._stamp: Stamp | None = None
        holders.register(self)

    @contextlib.contextmanager
    def use(self, timeout_s: float = _OPEN_WAIT_S) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone; keep it for milliseconds.

        Args:
            timeout_s: seconds to wait for other processes if it has to be opened.

        Raises:
            StoreError, StoreCorrupt, StoreTooNew: as `database.open_for_write`.
        """
        with self._lock:
            if self._connection is not None and not self.is_current():
                self._reopen(timeout_s)
            yield self._connection or self._open(timeout_s)

    def is_current(self) -> bool:
        """False when file or log was deleted or replaced, so that what was written last may be lost."""
        return self._stamp is not None and stamp(self.path) == self._stamp

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self._lock:
            self._close()

    def let_go(self, timeout: float) -> bool:
        """See `holders.Holder`."""
        if not self._lock.acquire(timeout=timeout):
            return False
        self._close()
        return True

    def take_back(self) -> None:
        """See `holders.Holder`."""
        self._lock.release()

    def start_over(self, *, closed: bool) -> None:
        """See `holders.Holder`."""
        global _changing
        _changing = threading.Lock()
        _handles.clear()
        if not closed and self._connection is not None:
            _kept.append(self._connection)
        self._lock, self._connection, self.users = threading.RLock(), None, 0

    def _open(self, timeout_s: float) -> sqlite3.Connection:
        before = stamp(self.path)
        connection = open_for_write(self.path, timeout_s=timeout_s)
        connection.execute("SELECT count(*) FROM migrations").fetchone()  # a read opens the log
        self._stamp = stamp(self.path)
        if before is not None and (self._stamp is None or before[:2] != self._stamp[:2]):
            self._stamp = None
            connection.close()
            raise StoreError(f"the store {self.path} was replaced while it was opened: try again")
        self._connection = connection
        return connection

    def _reopen(self, timeout_s: float) -> None:
        with holders.all_closed(self.path, self):
            self._close()
            self._open(timeout_s)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self.is_current():
            connection.close()
            return
        # SQLite merges the log into the file when the last connection closes; this log is no longer the file's. While
        # somebody else in the process reads the file, it does not.
        with contextlib.closing(_reader(self.path)):
            connection.close()


def _reader(path: Path) -> sqlite3.Connection:
    reader = sqlite3.connect(":memory:")
    with contextlib.suppress(sqlite3.Error):
        found = sqlite3.connect(uri(path, "mode=ro"), uri=True, timeout=0)
        reader.close()
        reader = found
        reader.execute("PRAGMA schema_version").fetchone()
    return reader
