"""One lock for all threads and processes that share a guard's file.

SQLite has locks of its own, but who waits for one sleeps for milliseconds at a time. Here a waiter looks every tenth of
a millisecond, so that many processes at once cost each little. The kernel gives the lock back when its holder dies.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # Windows: SQLite's own locks have to do
    fcntl = None  # type: ignore[assignment]

_LOOK_EVERY_S: Final = 0.0001


class Lock:
    """The lock of one file; `with lock.held(timeout_s)`.

    Args:
        path: a file of its own, which holds nothing. Never the database: closing a descriptor of that one drops
            SQLite's locks.
    """

    def __init__(self, path: Path) -> None:
        self.threads = threading.Lock()
        self._path = path
        self._file = -1

    @contextmanager
    def held(self, timeout_s: float) -> Iterator[None]:
        """Hold it.

        Raises:
            TimeoutError: others held it all the time.
        """
        deadline = time.monotonic() + timeout_s
        if not self.threads.acquire(timeout=timeout_s):
            raise TimeoutError("other threads held the lock of the guard")
        try:
            self._lock_file(deadline)
            try:
                yield
            finally:
                if fcntl is not None:
                    fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self.threads.release()

    def _lock_file(self, deadline: float) -> None:
        if fcntl is None:
            return
        if self._file < 0:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise TimeoutError("another process held the lock of the guard") from None
                time.sleep(_LOOK_EVERY_S)
            else:
                return

    def close(self) -> None:
        """Give the file back; the next holder opens it again. Call it with `threads` held."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
