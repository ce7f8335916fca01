"""Connections to the store: one question at a time on each, in a thread, within a time."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from syndarix_obs.errors import StoreError
from syndarix_obs.store.database import open_for_read
from syndarix_obs_read.backends.sql.functions import add_functions
from syndarix_obs_read.errors import BackendError, BackendTimeout, BackendUnavailable

T = TypeVar("T")


class Pool:
    """Opens connections as they are needed and keeps them for the next question.

    Args:
        path: the SQLite file.
        timeout_s: seconds after which a question is given up.
    """

    def __init__(self, path: Path, timeout_s: float) -> None:
        self.path = path
        self._timeout_s = timeout_s
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._file: tuple[int, int] | None = None

    async def run(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Ask in a thread.

        Raises:
            BackendUnavailable: there is no store, or it cannot be read.
            BackendTimeout: it took longer than the time allowed.
        """
        asked: list[sqlite3.Connection] = []
        work = asyncio.ensure_future(asyncio.to_thread(self._ask, question, asked))
        try:
            return await asyncio.wait_for(asyncio.shield(work), self._timeout_s)
        except TimeoutError:
            await self._stop(work, asked)
            raise BackendTimeout(
                f"the store {self.path} did not answer within {self._timeout_s:g} s: ask for a shorter time (--since), "
                "add a filter, or raise SYNDARIX_OBS_READ_TIMEOUT"
            ) from None
        except asyncio.CancelledError:
            await self._stop(work, asked)
            raise

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _ask(self, question: Callable[[sqlite3.Connection], T], asked: list[sqlite3.Connection]) -> T:
        connection = self._take()
        asked.append(connection)
        try:
            return question(connection)
        except sqlite3.Error as error:
            raise BackendError(f"the store {self.path} cannot answer: {error}") from error
        finally:
            self._give_back(connection)

    async def _stop(self, work: asyncio.Future[T], asked: list[sqlite3.Connection]) -> None:
        for connection in asked:
            with contextlib.suppress(sqlite3.ProgrammingError):  # closed meanwhile
                connection.interrupt()
        with contextlib.suppress(BackendError):
            await work

    def _take(self) -> sqlite3.Connection:
        """An idle connection to the file as it is now: it may have been deleted and made anew."""
        try:
            stat = self.path.stat()
            found = (stat.st_dev, stat.st_ino)
        except OSError:
            found = None
        with self._lock:
            if found != self._file:
                for old in self._idle:
                    old.close()
                self._idle, self._file = [], found
            if self._idle:
                return self._idle.pop()
        try:
            connection = open_for_read(self.path)
        except StoreError as error:
            raise BackendUnavailable(str(error)) from error
        add_functions(connection)
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            self._idle.append(connection)
