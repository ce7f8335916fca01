"""Connections to the store: one question at a time on each, in a thread, within a time."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from syndarix_obs.errors import StoreError
from syndarix_obs.store import holders
from syndarix_obs.store.database import is_damaged, open_for_read
from syndarix_obs.store.handle import Stamp, stamp
from syndarix_obs_read.backends.sql.functions import add_functions
from syndarix_obs_read.errors import BackendError, BackendTimeout, BackendUnavailable
from syndarix_obs_read.next_steps import NARROW, Run

T = TypeVar("T")

_kept: list[sqlite3.Connection] = []
"""Connections of a parent process, which must not be closed here."""


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
        self._at_work = 0
        self._changed = threading.Condition()
        self._stamp: Stamp | None = None
        holders.register(self)

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
                f"the store {self.path} did not answer within {self._timeout_s:g} s",
                next=(*NARROW, ", or raise SYNDARIX_OBS_READ_TIMEOUT"),
            ) from None
        except asyncio.CancelledError:
            await self._stop(work, asked)
            raise

    def close(self) -> None:
        """Close what is idle."""
        with self._changed:
            self._close_idle()

    def let_go(self, timeout: float) -> bool:
        """See `holders.Holder`."""
        until = time.monotonic() + timeout
        if not self._changed.acquire(timeout=timeout):
            return False
        if not self._changed.wait_for(lambda: not self._at_work, max(0.0, until - time.monotonic())):
            self._changed.release()
            return False
        self._close_idle()
        return True

    def take_back(self) -> None:
        """See `holders.Holder`."""
        self._changed.release()

    def start_over(self, *, closed: bool) -> None:
        """See `holders.Holder`."""
        if not closed:
            _kept.extend(self._idle)
        self._idle, self._at_work, self._changed = [], 0, threading.Condition()

    def _ask(self, question: Callable[[sqlite3.Connection], T], asked: list[sqlite3.Connection]) -> T:
        try:
            return self._ask_once(question, asked)
        except sqlite3.DatabaseError as error:
            if not is_damaged(error):
                raise BackendError(f"the store {self.path} cannot answer: {error}") from error
        with contextlib.suppress(StoreError), holders.all_closed(self.path, self):
            self.close()
        try:  # once more with nothing remembered: file or log may have been replaced while this question was asked
            return self._ask_once(question, asked)
        except sqlite3.Error as error:
            raise BackendError(
                f"the store {self.path} cannot answer ({error})", next=("run ", Run("syndarix-obs doctor --repair"))
            ) from error

    def _ask_once(self, question: Callable[[sqlite3.Connection], T], asked: list[sqlite3.Connection]) -> T:
        self._renew()
        connection = self._take()
        asked.append(connection)
        try:
            return question(connection)
        finally:
            self._give_back(connection)

    async def _stop(self, work: asyncio.Future[T], asked: list[sqlite3.Connection]) -> None:
        for connection in asked:
            with contextlib.suppress(sqlite3.ProgrammingError):  # closed meanwhile
                connection.interrupt()
        with contextlib.suppress(BackendError):
            await work

    def _renew(self) -> None:
        """Close what is idle if the file or its log was deleted and made anew since it was opened."""
        found = stamp(self.path)
        with self._changed:
            stale = bool(self._idle or self._at_work) and found != self._stamp
        if not stale:
            return
        # Connections of one process share what they know of the log: all go before one comes.
        try:
            with holders.all_closed(self.path, self):
                if not self.let_go(self._timeout_s):
                    raise BackendUnavailable(f"the store {self.path} was replaced while it was read: ask again")
                self.take_back()
        except StoreError as error:
            raise BackendUnavailable(str(error)) from error

    def _take(self) -> sqlite3.Connection:
        with self._changed:
            self._at_work += 1
            if self._idle:
                return self._idle.pop()
            try:
                connection = self._open()
            except StoreError as error:
                self._at_work -= 1
                raise BackendUnavailable(str(error)) from error
            except BaseException:
                self._at_work -= 1
                raise
        add_functions(connection)
        return connection

    def _open(self) -> sqlite3.Connection:
        before = stamp(self.path)
        connection = open_for_read(self.path)
        connection.execute("SELECT count(*) FROM migrations").fetchone()  # a read opens the log
        self._stamp = stamp(self.path)
        if before is None or self._stamp is None or before[:2] != self._stamp[:2]:
            connection.close()
            raise StoreError(f"the store {self.path} was replaced while it was opened: ask again")
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._changed:
            self._idle.append(connection)
            self._at_work -= 1
            self._changed.notify_all()

    def _close_idle(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
