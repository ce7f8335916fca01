"""Where records wait for one destination: an append-only log of frames on disk, in order of arrival.

Every frame takes this way, whether the destination is up or not. The worker appends and commits (one `write` per round:
what the kernel has taken survives a `kill -9`); the destination's sender peeks and acks; what is acked is deleted. A
later process, or a sibling, adopts what a dead one left. While the disk takes nothing, frames wait in memory, bounded.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from syndarix_obs.delivery import frames as f
from syndarix_obs.delivery import ownership
from syndarix_obs.delivery.disk_budget import DiskBudget
from syndarix_obs.delivery.frames import Frame
from syndarix_obs.delivery.segments import FileSegment, MemorySegment, Segment
from syndarix_obs.delivery.waiting import Health, Shorten, Waiting
from syndarix_obs.guard import record_failure

COMMIT_BYTES: Final = 256 * 1024
"""Bytes that are written at once, without waiting for the end of the worker's round."""
MEMORY_BYTES: Final = 16 * 1024 * 1024
"""Bytes that may wait in memory while the disk takes nothing."""
_MEMORY_SEGMENT: Final = 1024 * 1024
_DISK_RETRY_S: Final = 5.0


class Spool:
    """The waiting frames of one destination. `append` and `commit` are for the worker, the rest for the sender.

    Args:
        parent: folder that holds the folders of all processes for this destination.
        name: the destination.
        budget: the space it shares with other spools.
        health: who is told about drops and sizes.
        shorten: how to take the payload off a frame.
    """

    def __init__(self, parent: Path, name: str, budget: DiskBudget, health: Health, shorten: Shorten) -> None:
        self.name = name
        self._parent = parent
        self._budget = budget
        self._health = health
        self._shorten = shorten
        self._closed = False
        self._reset()
        budget.add(self)
        _spools.add(self)

    def _reset(self) -> None:
        self.siblings = 0
        self.committed = threading.Event()
        self._lock = threading.RLock()
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._waiting = Waiting(self._health, self._shorten)
        self._next_number = 1
        self._disk_retry_at = 0.0
        self._reported = -1

    # --- the worker's side ---

    def append(self, frame: bytes) -> None:
        """Take one encoded frame."""
        self._buffer.append(frame)
        self._buffered += len(frame)
        if self._buffered >= COMMIT_BYTES:
            self.commit()

    def commit(self) -> None:
        """Bring what was appended to disk, and let the sender know."""
        if not self._buffer:
            return
        data = b"".join(self._buffer)
        self._buffer, self._buffered = [], 0
        with self._lock:
            if self._closed:
                self._health.dropped("shutdown", f.count(data))
                return
            if not self._write(data):
                self._remember(data)
        self._budget.enforce()
        self.committed.set()
        self._report()

    def _write(self, data: bytes) -> bool:
        if time.monotonic() < self._disk_retry_at:
            return False
        try:
            self._writable().append(data)
        except OSError as error:
            self._disk_retry_at = time.monotonic() + _DISK_RETRY_S
            self._waiting.active = None
            record_failure("spool", error)
            return False
        return True

    def _writable(self) -> Segment:
        waiting = self._waiting
        if isinstance(waiting.active, FileSegment) and waiting.active.size < self._budget.segment_bytes:
            return waiting.active
        if waiting.folder is None:
            waiting.folder = ownership.create(self._parent)
        segment = FileSegment(waiting.folder, self._next_number)
        self._next_number += 1
        waiting.start_writing(segment)
        return segment

    def _remember(self, data: bytes) -> None:
        waiting = self._waiting
        if not isinstance(waiting.active, MemorySegment) or waiting.active.size >= _MEMORY_SEGMENT:
            waiting.start_writing(MemorySegment())
        if waiting.active is not None:
            waiting.active.append(data)
        while waiting.bytes(on_disk=False) > MEMORY_BYTES:
            if not waiting.drop_oldest("disk_full", on_disk=False):
                return

    # --- the sender's side ---

    def peek(self, max_bytes: int) -> list[Frame]:
        """The frames that wait longest: up to `max_bytes`, but at least one; empty when nothing waits."""
        with self._lock:
            return self._waiting.peek(max_bytes)

    def ack(self, delivered: Sequence[Frame]) -> None:
        """These frames, the first of what was peeked, need not wait any longer."""
        with self._lock:
            if self._waiting.segments:
                self._waiting.segments[0].ack(sum(frame.size for frame in delivered))
                self._waiting.head()
        self._report()

    def put_last(self, frames: Sequence[Frame], in_hand: Sequence[Frame]) -> None:
        """Let `frames` wait behind everything else, and nothing of what was peeked any longer."""
        with self._lock:
            data = b"".join(frame.encode() for frame in frames)
            if data and not self._write(data):
                self._remember(data)
            self.ack(in_hand)

    def adopt(self) -> None:
        """Take over what dead processes left; only between two peeks. Their frames go first."""
        mine = self._waiting.folder
        others = ownership.others(self._parent, mine.path if mine else None)
        dead = [owned for path in others if (owned := ownership.take(path)) is not None]
        self.siblings = len(others) - len(dead)
        for owned in reversed(dead):
            self._insert(owned)
        if dead:
            self._budget.enforce()
            self._report()

    def _insert(self, owned: ownership.OwnedFolder) -> None:
        number, offset = owned.position()
        with self._lock:
            for draft in owned.path.glob("*.draft"):
                draft.unlink(missing_ok=True)
            for found, _path in reversed(owned.segments()):
                segment = FileSegment(owned, found, acked=offset if found == number else 0)
                self._waiting.segments.appendleft(segment)
            if not owned.live:
                owned.release(remove=True)

    def rewrite(self, without: Callable[[bytes], bytes | None]) -> None:
        """Have other frames in the files; only between two peeks, with nothing in hand.

        Args:
            without: encoded frames to those that stay, None to leave a file as it is.
        """
        with self._lock:
            self._waiting.rewrite(without)
        self._report()

    # --- room ---

    @property
    def disk_bytes(self) -> int:
        """Bytes on disk, delivered ones of unfinished segments included."""
        with self._lock:
            return sum(segment.size for segment in self._waiting.segments if segment.on_disk)

    @property
    def waiting_bytes(self) -> int:
        """Bytes that were committed and not delivered."""
        with self._lock:
            return self._waiting.bytes(on_disk=True) + self._waiting.bytes(on_disk=False)

    @property
    def safe(self) -> bool:
        """True when whatever waits is on disk."""
        with self._lock:
            return self._waiting.bytes(on_disk=False) == 0 and not self._buffer

    def oldest_with_payload(self) -> int | None:
        """When the oldest segment that may still be slimmed was begun, in nanoseconds."""
        with self._lock:
            return next((each.born_ns for each in self._waiting.idle() if not each.slim), None)

    def oldest_idle(self) -> int | None:
        """When the oldest segment on disk that may be dropped was begun, in nanoseconds."""
        with self._lock:
            return next((each.born_ns for each in self._waiting.idle() if each.on_disk), None)

    def slim_oldest(self) -> bool:
        """Take the payloads off the oldest segment that has any; False when there is none."""
        with self._lock:
            return self._waiting.slim_oldest()

    def drop_oldest(self) -> bool:
        """Give up the oldest segment on disk; False when there is none that may go."""
        with self._lock:
            return self._waiting.drop_oldest("spool_full", on_disk=True)

    def _report(self) -> None:
        with self._lock:
            size = self._waiting.bytes(on_disk=True)
            if size == self._reported:
                return
            self._reported = size
        self._health.spool_bytes(self.name, size)

    # --- the end ---

    def close(self) -> None:
        """Give the folders up: delivered ones are deleted, others wait for the next process."""
        self._budget.remove(self)
        with self._lock:
            if not self._closed:
                self._closed = True
                self._waiting.give_up()

    def after_fork(self) -> None:
        """In a forked child: everything here is the parent's; start anew."""
        self._waiting.forget()
        self._budget.after_fork()
        self._reset()


_spools: weakref.WeakSet[Spool] = weakref.WeakSet()


def _after_fork() -> None:
    for spool in list(_spools):
        spool.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
