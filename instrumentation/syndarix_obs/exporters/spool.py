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
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from syndarix_obs.exporters import frames as f
from syndarix_obs.exporters import ownership
from syndarix_obs.exporters.budget import Budget
from syndarix_obs.exporters.frames import Frame
from syndarix_obs.exporters.segments import FileSegment, MemorySegment, Segment
from syndarix_obs.guard import record_failure

COMMIT_BYTES: Final = 256 * 1024
"""Bytes that are written at once, without waiting for the end of the worker's round."""
MEMORY_BYTES: Final = 16 * 1024 * 1024
"""Bytes that may wait in memory while the disk takes nothing."""
_MEMORY_SEGMENT: Final = 1024 * 1024
_DISK_RETRY_S: Final = 5.0
_SEGMENT_KEPT: Final = 64 * 1024

Shorten = Callable[[Frame, int], Frame | None]
"""Cuts a frame's payload to so many bytes and says so in it; None when there is nothing to cut."""


class Health(Protocol):
    """Who is told how delivery goes: the platform's `Metrics`, or nobody."""

    def dropped(self, reason: str, count: int = 1) -> None:
        """Records or payloads were given up."""
        ...

    def truncated(self, site: str, count: int = 1) -> None:
        """Texts were cut."""
        ...

    def export_failed(self, destination: str) -> None:
        """An attempt to send failed."""
        ...

    def spool_bytes(self, destination: str, size: int) -> None:
        """So many bytes wait on disk."""
        ...


class Spool:
    """The waiting frames of one destination. `append` and `commit` are for the worker, the rest for the sender.

    Args:
        parent: folder that holds the folders of all processes for this destination.
        name: the destination.
        budget: the space it shares with other spools.
        health: who is told about drops and sizes.
        shorten: how to take the payload off a frame.
    """

    def __init__(self, parent: Path, name: str, budget: Budget, health: Health, shorten: Shorten) -> None:
        self.name = name
        self.siblings = 0
        self.committed = threading.Event()
        self._parent = parent
        self._budget = budget
        self._health = health
        self._shorten = shorten
        self._reset()
        budget.add(self)
        _spools.add(self)

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._segments: deque[Segment] = deque()
        self._active: Segment | None = None
        self._folder: ownership.OwnedFolder | None = None
        self._next_number = 1
        self._disk_retry_at = 0.0
        self._reported = -1
        self._busy = False
        self._closed = False

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
            self._active = None
            record_failure("spool", error)
            return False
        return True

    def _writable(self) -> Segment:
        active = self._active
        if isinstance(active, FileSegment) and active.size < self._budget.segment_bytes:
            return active
        if self._folder is None:
            self._folder = ownership.create(self._parent)
        segment = FileSegment(self._folder, self._next_number)
        self._next_number += 1
        self._segments.append(segment)
        self._active = segment
        return segment

    def _remember(self, data: bytes) -> None:
        active = self._active
        if not isinstance(active, MemorySegment) or active.size >= _MEMORY_SEGMENT:
            active = MemorySegment()
            self._segments.append(active)
            self._active = active
        active.append(data)
        while self._memory_bytes() > MEMORY_BYTES:
            if not self._drop(lambda segment: not segment.on_disk, "disk_full"):
                return

    # --- the sender's side ---

    def peek(self, max_bytes: int) -> list[Frame]:
        """The frames that wait longest: up to `max_bytes`, but at least one; empty when nothing waits."""
        with self._lock:
            self._busy = False
            while (head := self._head()) is not None:
                frames = self._frames_of(head, max_bytes)
                if frames:
                    self._busy = True
                    return frames
            return []

    def _head(self) -> Segment | None:
        while self._segments:
            head = self._segments[0]
            if head.acked < head.size:
                return head
            if head is self._active and head.size < _SEGMENT_KEPT:
                return None
            self._remove(head)
        return None

    def _frames_of(self, head: Segment, max_bytes: int) -> list[Frame]:
        try:
            parsed = f.parse(head.read(head.acked, max_bytes))
            if not parsed.used and 0 < parsed.wanted <= min(f.LARGEST, head.size - head.acked):
                parsed = f.parse(head.read(head.acked, parsed.wanted))
        except OSError as error:
            record_failure("spool", error)
            parsed = f.Parsed([])
        if not parsed.frames:
            # Damage, or the torn end that a crash leaves: nothing behind it can be read.
            self._skip(head, parsed.used or head.size - head.acked)
        elif parsed.damaged:
            parsed.frames[-1].size += parsed.used - sum(frame.size for frame in parsed.frames)
        return parsed.frames

    def _skip(self, head: Segment, size: int) -> None:
        record_failure("spool_damaged", ValueError(f"{size} bytes cannot be read"))
        head.ack(size)

    def ack(self, delivered: Sequence[Frame]) -> None:
        """These frames, the first of what was peeked, need not wait any longer."""
        with self._lock:
            if self._segments:
                self._segments[0].ack(sum(frame.size for frame in delivered))
                self._head()
        self._report()

    def adopt(self) -> None:
        """Take over what dead processes left; only between two peeks. Their frames go first."""
        dead = []
        others = ownership.others(self._parent, self._folder.path if self._folder else None)
        for path in others:
            owned = ownership.take(path)
            if owned is not None:
                dead.append(owned)
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
                acked = offset if found == number else 0
                self._segments.appendleft(FileSegment(owned, found, acked=acked))
            if not owned.live:
                owned.release(remove=True)

    # --- room ---

    @property
    def disk_bytes(self) -> int:
        """Bytes on disk, delivered ones of unfinished segments included."""
        with self._lock:
            return sum(segment.size for segment in self._segments if segment.on_disk)

    @property
    def waiting_bytes(self) -> int:
        """Bytes that were committed and not delivered."""
        with self._lock:
            return sum(segment.size - segment.acked for segment in self._segments)

    @property
    def safe(self) -> bool:
        """True when whatever waits is on disk."""
        return self._memory_bytes() == 0 and not self._buffer

    def _memory_bytes(self) -> int:
        with self._lock:
            return sum(segment.size - segment.acked for segment in self._segments if not segment.on_disk)

    def oldest_with_payload(self) -> int | None:
        """When the oldest segment that may still be slimmed was begun, in nanoseconds."""
        with self._lock:
            return next((s.born_ns for s in self._idle() if not s.slim), None)

    def oldest_idle(self) -> int | None:
        """When the oldest segment that may be dropped was begun, in nanoseconds."""
        with self._lock:
            return next((s.born_ns for s in self._idle() if s.on_disk), None)

    def slim_oldest(self) -> bool:
        """Take the payloads off the oldest segment that has any; False when there is none."""
        with self._lock:
            segment = next((s for s in self._idle() if not s.slim), None)
            if not isinstance(segment, FileSegment):
                return False
            segment.slim = True
            try:
                self._slim(segment)
            except OSError as error:
                record_failure("spool", error)  # then whole records go
        return True

    def _slim(self, segment: FileSegment) -> None:
        kept, cut = [], 0
        for frame in f.parse(segment.read(segment.acked, segment.size)).frames:
            shorter = self._shorten(frame, 0) if frame.payload else None
            cut += shorter is not None
            kept.append((shorter or frame).encode())
        if cut:
            segment.replace(b"".join(kept))
            self._health.dropped("payload_spool_full", cut)

    def drop_oldest(self) -> bool:
        """Give up the oldest segment on disk; False when there is none that may go."""
        with self._lock:
            return self._drop(lambda segment: segment.on_disk, "spool_full")

    def _drop(self, which: Callable[[Segment], bool], reason: str) -> bool:
        segment = next((s for s in self._idle() if which(s)), None)
        if segment is None:
            return False
        self._health.dropped(reason, self._count(segment))
        self._remove(segment)
        return True

    def _count(self, segment: Segment) -> int:
        try:
            return f.count(segment.read(segment.acked, segment.size))
        except OSError:
            return 1  # it cannot be read; at least one record was there

    def _idle(self) -> list[Segment]:
        """Segments that are neither being written nor being sent."""
        sending = self._segments[0] if self._busy and self._segments else None
        return [s for s in self._segments if s is not self._active and s is not sending]

    def _remove(self, segment: Segment) -> None:
        self._segments.remove(segment)
        if segment is self._active:
            self._active = None
        segment.remove()
        if isinstance(segment, FileSegment) and segment.folder is not self._folder and not segment.folder.live:
            segment.folder.release(remove=True)

    def _report(self) -> None:
        with self._lock:
            size = sum(segment.size - segment.acked for segment in self._segments if segment.on_disk)
            if size == self._reported:
                return
            self._reported = size
        self._health.spool_bytes(self.name, size)

    # --- the end ---

    def close(self) -> None:
        """Give the folders up: delivered ones are deleted, others wait for the next process."""
        self._budget.remove(self)
        with self._lock:
            if self._closed:
                return
            self._closed = True
            in_memory = [segment for segment in self._segments if not segment.on_disk]
            lost = sum(self._count(segment) for segment in in_memory if segment.acked < segment.size)
            if lost:
                self._health.dropped("shutdown", lost)
            self._give_up_folders()

    def _give_up_folders(self) -> None:
        folders = {s.folder for s in self._segments if isinstance(s, FileSegment)}
        if self._folder is not None:
            folders.add(self._folder)
        for segment in list(self._segments):
            if segment.acked >= segment.size:
                self._remove_quietly(segment)
            else:
                segment.release()
        for folder in folders:
            folder.release(remove=not folder.live)

    def _remove_quietly(self, segment: Segment) -> None:
        self._segments.remove(segment)
        segment.remove()

    def after_fork(self) -> None:
        """In a forked child: everything here is the parent's; start anew."""
        for segment in self._segments:
            segment.release()
            if isinstance(segment, FileSegment):
                segment.folder.forget()
        if self._folder is not None:
            self._folder.forget()
        closed = self._closed
        self.committed = threading.Event()
        self._budget.after_fork()
        self._reset()
        self._closed = closed


_spools: weakref.WeakSet[Spool] = weakref.WeakSet()


def _after_fork() -> None:
    for spool in list(_spools):
        spool.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
