"""Stretches of frames that wait: in a file, or in memory while the disk takes nothing."""

from __future__ import annotations

import contextlib
import os
import time
from io import FileIO
from pathlib import Path
from typing import Protocol

from syndarix_obs.delivery.ownership import OwnedFolder


class Segment(Protocol):
    """Frames in order of arrival. `size` are bytes written whole, `acked` those of them that were delivered."""

    size: int
    acked: int
    born_ns: int
    slim: bool
    on_disk: bool

    def append(self, data: bytes) -> None:
        """Add whole frames. Raises OSError, and then holds what it held before."""
        ...

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`. Raises OSError."""
        ...

    def ack(self, size: int) -> None:
        """The next `size` bytes were delivered."""
        ...

    def remove(self) -> None:
        """Give the space back."""
        ...

    def release(self) -> None:
        """Close what is open; the data stays."""
        ...


class FileSegment:
    """Frames in one file.

    Args:
        folder: the owned folder that it lies in.
        number: its place among the folder's segments.
        acked: bytes that were delivered before (by a process that is gone).
    """

    on_disk = True

    def __init__(self, folder: OwnedFolder, number: int, *, acked: int = 0) -> None:
        self.folder = folder
        self.number = number
        self.path: Path = folder.segment_path(number)
        self.size = self.acked = 0
        self.born_ns = time.time_ns()
        self.slim = False
        self._writer: FileIO | None = None
        self._reader: FileIO | None = None
        folder.live += 1
        with contextlib.suppress(FileNotFoundError):
            state = self.path.stat()
            self.size, self.born_ns = state.st_size, state.st_mtime_ns
            self.acked = min(acked, self.size)

    def append(self, data: bytes) -> None:
        """Add whole frames with one write. Raises OSError, and then holds what it held before."""
        if self._writer is None:
            self._writer = _open_private(self.path)
        written = 0
        try:
            while written < len(data):
                written += self._writer.write(data[written:] if written else data) or 0
        except OSError:
            self._writer.truncate(self.size)
            self._writer.seek(self.size)
            raise
        self.size += len(data)

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`. Raises OSError."""
        if self._reader is None:
            self._reader = FileIO(self.path, "r")
        self._reader.seek(offset)
        data = self._reader.read(min(size, self.size - offset))
        return data or b""

    def ack(self, size: int) -> None:
        """The next `size` bytes were delivered."""
        self.acked = min(self.size, self.acked + size)
        with contextlib.suppress(OSError):  # then a crash sends these again, and readers count record ids once
            self.folder.set_position(self.number, self.acked)

    def replace(self, data: bytes) -> None:
        """Have other frames instead. Raises OSError, and then nothing has changed."""
        draft = self.path.with_suffix(".draft")
        try:
            draft.write_bytes(data)
            draft.chmod(0o600)
            self.release()
            draft.replace(self.path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        self.size, self.acked = len(data), 0

    def remove(self) -> None:
        """Give the space back."""
        self.release()
        self.folder.live -= 1
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def release(self) -> None:
        """Close what is open; the data stays."""
        for file in (self._writer, self._reader):
            if file is not None:
                file.close()
        self._writer = self._reader = None


def _open_private(path: Path) -> FileIO:
    file = FileIO(path, "a", opener=lambda name, flags: os.open(name, flags, 0o600))
    file.seek(0, os.SEEK_END)
    return file


class MemorySegment:
    """Frames in memory, for as long as the disk takes nothing."""

    on_disk = False
    slim = True

    def __init__(self) -> None:
        self.size = self.acked = 0
        self.born_ns = time.time_ns()
        self._data = bytearray()

    def append(self, data: bytes) -> None:
        """Add whole frames."""
        self._data += data
        self.size = len(self._data)

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`."""
        return bytes(self._data[offset : offset + size])

    def ack(self, size: int) -> None:
        """The next `size` bytes were delivered."""
        self.acked += size

    def remove(self) -> None:
        """Give the space back."""
        self._data.clear()

    def release(self) -> None:
        """Nothing is open."""
