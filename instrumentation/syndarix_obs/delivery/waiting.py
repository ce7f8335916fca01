"""The segments that wait for one destination, oldest first: what is sent next, and what goes when room runs out.

Not locked: the spool that owns it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from syndarix_obs.delivery import frames as f
from syndarix_obs.delivery.frames import Frame
from syndarix_obs.delivery.ownership import OwnedFolder
from syndarix_obs.delivery.segments import FileSegment, Segment
from syndarix_obs.guard import record_failure

_KEPT_EMPTY: Final = 64 * 1024

Shorten = Callable[[Frame, int], Frame | None]
"""Cuts a frame's payload to so many bytes and says so in it; None when there is nothing to cut."""


class Health(Protocol):
    """Who is told how delivery goes: the platform's `Metrics`, or a test."""

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


class Waiting:
    """Segments in the order in which they are sent.

    Args:
        health: who is told about drops.
        shorten: how to take the payload off a frame.
    """

    def __init__(self, health: Health, shorten: Shorten) -> None:
        self.segments: deque[Segment] = deque()
        self.active: Segment | None = None
        self.folder: OwnedFolder | None = None
        self.sending = False
        self._health = health
        self._shorten = shorten

    def start_writing(self, segment: Segment) -> None:
        """Put a segment last; it is the one that is written to."""
        self.segments.append(segment)
        self.active = segment

    def peek(self, max_bytes: int) -> list[Frame]:
        """The first frames: up to `max_bytes`, but at least one; empty when nothing waits."""
        self.sending = False
        while (head := self.head()) is not None:
            frames = self._frames_of(head, max_bytes)
            if frames:
                self.sending = True
                return frames
        return []

    def head(self) -> Segment | None:
        """The first segment with something to send; emptied ones before it are removed."""
        while self.segments:
            head = self.segments[0]
            if head.acked < head.size:
                return head
            if head is self.active and head.size < _KEPT_EMPTY:
                return None
            self.remove(head)
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
            size = parsed.used or head.size - head.acked
            record_failure("spool_damaged", ValueError(f"{size} bytes cannot be read"))
            head.ack(size)
        elif parsed.damaged:
            parsed.frames[-1].size += parsed.used - sum(frame.size for frame in parsed.frames)
        return parsed.frames

    def remove(self, segment: Segment) -> None:
        """Give a segment's space back, and the folder of a dead process with its last one."""
        self.segments.remove(segment)
        if segment is self.active:
            self.active = None
        segment.remove()
        if isinstance(segment, FileSegment) and segment.folder is not self.folder and not segment.folder.live:
            segment.folder.release(remove=True)

    def rewrite(self, without: Callable[[bytes], bytes | None]) -> None:
        """Have other frames in the files, `None` leaving one as it is; what was delivered leaves the file as well."""
        for segment in self.segments:
            if isinstance(segment, FileSegment):
                try:
                    _rewrite(segment, without)
                except OSError as error:
                    record_failure("spool", error)  # the frames are looked at again before they are sent

    # --- room ---

    def bytes(self, *, on_disk: bool) -> int:
        """Bytes on disk or in memory that wait."""
        return sum(each.size - each.acked for each in self.segments if each.on_disk is on_disk)

    def idle(self) -> list[Segment]:
        """Segments that are neither being written nor being sent."""
        sending = self.segments[0] if self.sending and self.segments else None
        return [each for each in self.segments if each is not self.active and each is not sending]

    def slim_oldest(self) -> bool:
        """Take the payloads off the oldest segment that has any; False when there is none."""
        segment = next((each for each in self.idle() if not each.slim), None)
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

    def drop_oldest(self, reason: str, *, on_disk: bool) -> bool:
        """Give up the oldest segment on disk or in memory; False when there is none that may go."""
        segment = next((each for each in self.idle() if each.on_disk is on_disk), None)
        if segment is None:
            return False
        self._health.dropped(reason, _count(segment))
        self.remove(segment)
        return True

    def give_up(self) -> None:
        """The end: what is in memory is lost and counted, what is on disk stays for the next process."""
        lost = sum(_count(each) for each in self.segments if not each.on_disk and each.acked < each.size)
        if lost:
            self._health.dropped("shutdown", lost)
        folders = self._folders()
        for segment in list(self.segments):
            if segment.acked < segment.size:
                segment.release()
            else:
                self.segments.remove(segment)
                segment.remove()
        for folder in folders:
            folder.release(remove=not folder.live)

    def forget(self) -> None:
        """In a forked child: close the parent's files without touching what is in them."""
        for segment in self.segments:
            segment.release()
        for folder in self._folders():
            folder.forget()

    def _folders(self) -> set[OwnedFolder]:
        folders = {each.folder for each in self.segments if isinstance(each, FileSegment)}
        return folders | ({self.folder} if self.folder is not None else set())


def _rewrite(segment: FileSegment, without: Callable[[bytes], bytes | None]) -> None:
    if without(segment.read(0, segment.size)) is None:
        return
    waiting = segment.read(segment.acked, segment.size)
    kept = without(waiting)
    segment.folder.set_position(segment.number, 0)  # first: a crash between the two sends twice, and nothing is lost
    segment.replace(waiting if kept is None else kept)


def _count(segment: Segment) -> int:
    try:
        return f.count(segment.read(segment.acked, segment.size))
    except OSError:
        return 1  # it cannot be read; at least one record was there
