"""What waits to be stored: bounded by number and by bytes, shared by the threads that bring and the one
that stores."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice

from syndarix_obs.records.model import Record

_RECORD_BYTES = 1000


class Backlog:
    """Records in order of arrival.

    A batch stays in here until it is settled, so that a failed attempt loses nothing.

    When it is full, payloads go before records, and both are reported.

    Args:
        on_drop: told about what was given up, as (reason, count).
        max_records, max_bytes: bounds; a record weighs its payload and a flat 1,000 bytes.
    """

    def __init__(self, on_drop: Callable[[str, int], None], max_records: int, max_bytes: int) -> None:
        self._on_drop = on_drop
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._waiting: deque[Record] = deque()
        self._bytes = self._taken = self._settled = self._hurry = 0
        self._sleeping = self._in_trouble = False
        self._refuse: str | None = None
        self.close_by: float | None = None
        self.full_disk = False

    def add(self, records: Iterable[Record]) -> None:
        """Take records, or report them as dropped."""
        with self._changed:
            for record in records:
                self._add(record)
            if self._sleeping or self._filling():
                self._changed.notify_all()

    def wait_for_room(self, timeout: float) -> None:
        """While memory fills: let the storing thread get on, unless it is in trouble; at most `timeout` seconds.

        Storing lets go of the interpreter lock at every row, and gets it back late while others compute without end.
        """
        with self._changed:
            if self._filling():
                self._changed.wait_for(lambda: self._in_trouble or not self._filling(), timeout)

    def batch(self, most: int) -> list[Record]:
        """The oldest records; they stay until `settle`."""
        with self._changed:
            return list(islice(self._waiting, most))

    def settle(self, count: int) -> None:
        """The oldest `count` records are stored or given up."""
        with self._changed:
            self._in_trouble = False
            self._settle(count)

    def refuse(self, reason: str) -> None:
        """Give up what waits and whatever comes from now on, under `reason`."""
        with self._changed:
            self._refuse = reason
            if self._waiting:
                self._on_drop(reason, len(self._waiting))
                self._settle(len(self._waiting))

    def wait_for_batch(self, interval: float, idle: float | None) -> bool:
        """Until a batch is due (True), or no record has come for `idle` seconds (False; None waits for ever).

        A batch is due `interval` seconds after its first record, or at once when somebody flushes or
        closes or memory fills.
        """
        with self._changed:
            self._sleeping = True
            came = self._changed.wait_for(self._has_work, idle)
            self._sleeping = False
            if came:
                self._changed.wait_for(self._due, interval)
            return came

    def pause(self, seconds: float, *, until_work: bool = False) -> bool:
        """Wait, cut short when time to close has run out, or if asked when there is work; True when cut
        short."""
        with self._changed:
            self._sleeping = until_work
            if not until_work and not self._in_trouble:
                self._in_trouble = True
                self._changed.notify_all()
            cut = self._changed.wait_for(self._has_work if until_work else self._too_late, seconds)
            self._sleeping = False
            return cut

    def wait_until_settled(self, timeout: float) -> bool:
        """Hurry the storing thread, and wait for all that was taken so far; False when time runs out."""
        with self._changed:
            goal = self._taken
            self._hurry += 1
            self._changed.notify_all()
            done = self._changed.wait_for(lambda: self._settled >= goal, timeout)
            self._hurry -= 1
            return done

    def close(self, timeout: float) -> None:
        """Let the storing thread finish within `timeout` seconds."""
        with self._changed:
            self.close_by = time.monotonic() + timeout
            self._changed.notify_all()

    def over(self) -> bool:
        """Closing, and nothing is left to store or no time."""
        with self._changed:
            return self.close_by is not None and (not self._waiting or self._too_late())

    def _add(self, record: Record) -> None:
        if self._refuse is not None:
            self._on_drop(self._refuse, 1)
        elif len(self._waiting) >= self._max_records:
            self._on_drop("disk_full" if self.full_disk else "queue_full", 1)
        else:
            self._keep(record)

    def _keep(self, record: Record) -> None:
        if record.payload and self._bytes + _weight(record) > self._max_bytes:
            self._on_drop("disk_full" if self.full_disk else "payload_queue_full", 1)
            record = replace(record, payload=None)
        self._waiting.append(record)
        self._taken += 1
        self._bytes += _weight(record)

    def _settle(self, count: int) -> None:
        for _ in range(min(count, len(self._waiting))):
            self._bytes -= _weight(self._waiting.popleft())
        self._settled = self._taken - len(self._waiting)
        self._changed.notify_all()

    def _has_work(self) -> bool:
        return bool(self._waiting) or self.close_by is not None

    def _due(self) -> bool:
        return self._hurry > 0 or self.close_by is not None or self._filling()

    def _filling(self) -> bool:
        return 4 * self._bytes > self._max_bytes or 4 * len(self._waiting) > self._max_records

    def _too_late(self) -> bool:
        return self.close_by is not None and time.monotonic() >= self.close_by


def _weight(record: Record) -> int:
    return _RECORD_BYTES + (len(record.payload) if record.payload else 0)
