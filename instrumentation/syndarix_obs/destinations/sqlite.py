"""Records into the SQLite store, from a thread of its own: a lock or a slow disk holds up nothing else.

The worker's call only appends to a list. The thread commits within `commit_interval_s`, which bounds what
a `kill -9` can lose. What cannot be stored yet (locked, disk full, folder gone) waits in memory, bounded
and counted. When nothing comes in, the thread brings the text index up to date in small steps.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from syndarix_obs.destinations.unstored import Unstored
from syndarix_obs.errors import StoreCorrupt, StoreError, StoreTooNew
from syndarix_obs.guard import guarded, record_failure
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import Record, SessionRecord
from syndarix_obs.store.backlog import Backlog
from syndarix_obs.store.classes import rules
from syndarix_obs.store.database import is_busy, is_damaged, is_full
from syndarix_obs.store.file_check import check
from syndarix_obs.store.writer import StoreWriter

BATCH: Final = 500
"""Most records in one transaction: some 15 ms, for which other processes wait."""

_INDEX_SLICE_S: Final = 0.02
_INDEX_PAUSE_S: Final = 0.38
_PRUNE_SLICE_S: Final = 0.02
_ALL: Final = 1 << 30
_BRING_IN_EVERY_S: Final = 15.0
_PRUNE_AFTER_S: Final = 60.0
_PRUNE_EVERY_S: Final = 6 * 3600.0
_BUSY_PAUSE_S: Final = 0.05
_TROUBLE_PAUSE_S: Final = 0.5
_ROOM_WAIT_S: Final = 0.05
"""How long the records of a span wait for a busy store; the agent's spans wait in the queue meanwhile."""


class EmbeddedDestination:
    """A destination that keeps records in the store at `path`.

    Args:
        path: the store's file; folders and file are made for the owner only, with the first record.
        on_drop: told about records (or payloads) given up, as (reason, count).
        on_failure: told about each failed attempt to store a batch, waiting for a lock excepted.
        commit_interval_s: seconds that a record waits at most before it is committed.
        max_records, max_bytes: how much may wait in memory.
        max_store_bytes: size of the file at which it counts as full; None leaves that to the disk.
        index_after_s: seconds without records after which the text index is brought up to date; None never
        does.
        retention_days: age at which records are deleted, looked for a minute after the start and every six hours;
        None keeps them. The ledger is kept unless `retention` names it.
        retention: days by class (`store.classes`), which win over `retention_days`.

    Raises:
        StoreCorrupt, StoreTooNew, StoreError: the file cannot be used; it was not changed.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        on_drop: Callable[[str, int], None],
        on_failure: Callable[[], None] = lambda: None,
        commit_interval_s: float = 0.25,
        max_records: int = 50_000,
        max_bytes: int = 64 * 2**20,
        max_store_bytes: int | None = None,
        index_after_s: float | None = 10.0,
        retention_days: int | None = None,
        retention: Mapping[str, int] | None = None,
    ) -> None:
        check(Path(path))
        self._path = Path(path)
        self._unstored = Unstored(self._path.with_name(f"{self._path.name}.unstored"))
        self._on_drop = on_drop
        self._on_failure = on_failure
        self._interval = commit_interval_s
        self._bounds = (max_records, max_bytes)
        self._max_store_bytes = max_store_bytes
        self._index_after = index_after_s
        self._rules = rules(retention or {}, retention_days)
        self._start_over()

    def consume(self, span: FinishedSpan | None, records: Sequence[Record]) -> None:  # noqa: ARG002 - protocol
        """Take the records of one span; they are committed within the commit interval."""
        if os.getpid() != self._pid:
            self._start_over()
        self._backlog.wait_for_room(_ROOM_WAIT_S)
        self._backlog.add(records)
        if self._thread is None:
            self._start()

    def session_started(self, record: SessionRecord) -> None:
        """Show a session as running before its span ends."""
        self.consume(None, (record,))

    def tick(self) -> None:
        """Nothing to do: the thread keeps its own time."""

    def flush(self, timeout: float) -> bool:
        """Commit everything taken so far; False when that took longer than `timeout` seconds."""
        if self._thread is None:
            self._store_here(timeout)
        return self._backlog.wait_until_settled(timeout)

    def close(self, timeout: float) -> None:
        """Commit everything and give the file back within `timeout` seconds; what is left lies beside the store."""
        self._backlog.close(timeout)
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(timeout)
        elif self._thread is None:
            self._store_here(timeout)
            self._close_writer()
        left = self._backlog.batch(_ALL)
        if left and self._unstored.leave(left):
            self._backlog.settle(len(left))
        self._backlog.refuse("shutdown")

    def _start_over(self) -> None:
        """Empty, without thread or open file: at first, and in a forked child, whose parent has both."""
        self._pid = os.getpid()
        self._backlog = Backlog(self._on_drop, *self._bounds)
        self._thread: threading.Thread | None = None
        self._writer: StoreWriter | None = None
        self._index_behind = False
        self._prune_at = time.monotonic() + _PRUNE_AFTER_S
        self._bring_in_at = 0.0
        self._given_up = False

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="syndarix-obs-store", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is ending and starts none; `flush` and `close` store without it
            return
        self._thread = thread

    def _store_here(self, timeout: float) -> None:
        """Store what waits without the thread, for at most `timeout` seconds."""
        until = time.monotonic() + timeout
        while time.monotonic() < until and (batch := self._backlog.batch(BATCH)):
            pause = self._store(batch)
            if pause is None:
                self._backlog.settle(len(batch))
            else:
                self._backlog.pause(pause)

    # --- the thread
    # -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        backlog = self._backlog
        while not backlog.over():
            with guarded("embedded"):
                self._bring_in_when_due()
                idle = self._index_after if self._index_behind else None
                if backlog.wait_for_batch(self._interval, idle):
                    self._store_waiting()
                else:
                    self._index()
                self._prune_when_due()
        self._close_writer()

    def _bring_in_when_due(self) -> None:
        """Store what other processes had to leave."""
        if time.monotonic() < self._bring_in_at:
            return
        self._bring_in_at = time.monotonic() + _BRING_IN_EVERY_S
        for records in self._unstored.take():
            for first in range(0, len(records), BATCH):
                while (pause := self._store(records[first : first + BATCH])) is not None:
                    if self._backlog.pause(pause):
                        return  # time to close; the file stays
                if self._given_up:
                    return

    def _prune_when_due(self) -> None:
        if not self._rules or self._writer is None or time.monotonic() < self._prune_at:
            return
        self._prune_at = time.monotonic() + _PRUNE_EVERY_S
        # In a thread of its own: a large removal takes minutes, in small steps between which everybody writes.
        threading.Thread(target=self._prune, name="syndarix-obs-retention", daemon=True).start()

    @guarded("embedded.prune")
    def _prune(self) -> None:
        now_ns = time.time_ns()
        with closing(StoreWriter(self._path)) as writer:
            while not self._backlog.over():
                try:
                    if writer.keep_to(self._rules, now_ns, _PRUNE_SLICE_S):
                        return
                except sqlite3.OperationalError as error:
                    if not is_busy(error):
                        raise
                time.sleep(_BUSY_PAUSE_S)

    def _store_waiting(self) -> None:
        """Store what waits, batch by batch, for as long as it takes or until time to close has run out."""
        while not self._backlog.over() and (batch := self._backlog.batch(BATCH)):
            pause = self._store(batch)
            if pause is None:
                self._backlog.settle(len(batch))
            else:
                self._backlog.pause(pause)

    def _store(self, batch: Sequence[Record]) -> float | None:
        """Store a batch. None when that is settled, else the seconds to wait before the next attempt."""
        try:
            self._write(batch)
        except sqlite3.Error as error:
            return self._trouble(error)
        except (StoreCorrupt, StoreTooNew) as error:
            self._give_up(error)
        except (StoreError, OSError) as error:
            return self._later(error)
        except Exception as error:  # noqa: BLE001 - a batch that breaks our own code must not block the rest
            record_failure("embedded.store", error)
            self._on_drop("rejected", len(batch))
        return None

    def _write(self, batch: Sequence[Record]) -> None:
        if self._writer is not None and not self._writer.is_current():
            self._close_writer()
        if self._writer is None:
            self._writer = StoreWriter(self._path, timeout_s=0.5, max_bytes=self._max_store_bytes)
        rejected = self._writer.rejected
        self._writer.write(batch)
        self._backlog.full_disk = False
        self._index_behind = self._index_after is not None
        if self._writer.rejected > rejected:
            self._on_drop("rejected", self._writer.rejected - rejected)

    def _trouble(self, error: sqlite3.Error) -> float | None:
        if is_busy(error):
            return random.uniform(0.2, 1.0) * _BUSY_PAUSE_S  # noqa: S311 - spreads waiting processes
        if is_damaged(error):
            self._give_up(error)
            return None
        self._backlog.full_disk = is_full(error)
        return self._later(error)

    def _later(self, error: Exception) -> float:
        """The disk is full, or folder or file cannot be used just now: try again in a while."""
        self._on_failure()
        record_failure("embedded.store", error)
        if not self._backlog.full_disk:
            self._close_writer()
        return random.uniform(0.8, 1.2) * _TROUBLE_PAUSE_S  # noqa: S311 - spreads waiting processes

    def _give_up(self, error: Exception) -> None:
        """The file can never be written: leave it alone, and count what waits and what comes as rejected."""
        self._on_failure()
        record_failure("embedded.store", error)
        self._close_writer()
        self._given_up = True
        self._backlog.refuse("rejected")

    def _close_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with guarded("embedded.close"):
                writer.close()

    def _index(self) -> None:
        """A slice of indexing and a pause by turns, a twentieth of one core, until all is done or records
        come."""
        self._index_behind = False
        while self._writer is not None and self._writer.is_current():
            if self._writer.index(_INDEX_SLICE_S):
                return
            if self._backlog.pause(_INDEX_PAUSE_S, until_work=True):
                return
