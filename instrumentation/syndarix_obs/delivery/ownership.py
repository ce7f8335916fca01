"""Who may touch a folder of the spool: the process that holds the lock on its `lock` file.

The kernel releases the lock when the process ends, however it ends, so that a folder whose lock is free belongs to a
dead process and may be taken over.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from pathlib import Path
from struct import Struct
from typing import Final

_POSITION: Final = Struct("<QQ")
_SUFFIX: Final = ".seg1"
_PRIVATE: Final = 0o700


def _lock(descriptor: int) -> None:
    """Lock without waiting. Raises OSError when somebody else has it."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        # Not lockf: its locks end when any other descriptor of the file is closed by the same process.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; False when somebody else has it locked."""
    try:
        _lock(descriptor)
    except OSError:
        return False
    return True


class OwnedFolder:
    """One process's folder in a spool, locked by us.

    Args:
        path: the folder.
        lock: descriptor of its locked `lock` file.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock_fd: int | None = lock
        self._position_fd: int | None = None
        self.live = 0

    def segment_path(self, number: int) -> Path:
        """Where segment `number` lies; names sort by age."""
        return self.path / f"{number:010d}{_SUFFIX}"

    def segments(self) -> list[tuple[int, Path]]:
        """Number and path of the segments on disk, oldest first."""
        found = sorted(path for path in self.path.iterdir() if path.suffix == _SUFFIX and path.stem.isdigit())
        return [(int(path.stem), path) for path in found]

    def position(self) -> tuple[int, int]:
        """Segment and offset up to which everything was delivered."""
        try:
            data = (self.path / "position").read_bytes()
        except OSError:
            return (0, 0)
        return _POSITION.unpack(data) if len(data) == _POSITION.size else (0, 0)

    def set_position(self, segment: int, offset: int) -> None:
        """Note what was delivered, so that after a crash little is sent twice. Raises OSError."""
        if self._position_fd is None:
            flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
            self._position_fd = os.open(self.path / "position", flags, 0o600)
        os.lseek(self._position_fd, 0, os.SEEK_SET)
        os.write(self._position_fd, _POSITION.pack(segment, offset))

    def release(self, *, remove: bool) -> None:
        """Give the folder up; with `remove` nothing of it is left."""
        if remove and self._lock_fd is not None:
            self._remove_files()
        self.forget()
        if remove and sys.platform == "win32":
            self._remove_rest()

    def forget(self) -> None:
        """Close our descriptors without unlocking: in a forked child they are the parent's too."""
        for descriptor in (self._position_fd, self._lock_fd):
            if descriptor is not None:
                os.close(descriptor)
        self._position_fd = self._lock_fd = None

    def _remove_files(self) -> None:
        if sys.platform == "win32":
            return  # open files cannot be removed there
        self._remove_rest()

    def _remove_rest(self) -> None:
        # The lock goes last: as long as it is there and held, nobody takes the folder over.
        for name in ("position", "lock"):
            (self.path / name).unlink(missing_ok=True)
        try:
            self.path.rmdir()
        except OSError:
            return  # something that is not ours lies there; it stays


def make_private(folder: Path) -> None:
    """Have a folder that only its owner enters, whatever the umask; those above it that are missing as well.

    Raises:
        OSError: it cannot be made, or is somebody else's.
    """
    if not folder.parent.exists():
        make_private(folder.parent)
    folder.mkdir(mode=_PRIVATE, exist_ok=True)
    if folder.stat().st_mode & 0o777 != _PRIVATE:
        folder.chmod(_PRIVATE)


def create(parent: Path) -> OwnedFolder:
    """A new folder of our own. Raises OSError when the disk does not take it."""
    make_private(parent.parent)
    make_private(parent)
    for _ in range(5):
        path = parent / f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(3)}"
        make_private(path)
        owned = take(path)
        if owned is not None:
            return owned
    raise OSError(f"no folder in {parent} could be kept")


def take(path: Path) -> OwnedFolder | None:
    """Take over a folder; None while its process lives or when it is gone."""
    try:
        descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return None
    try:
        _lock(descriptor)
        # Whoever had it may have removed the file between our open and our lock: then we hold nothing.
        same = os.fstat(descriptor).st_ino == os.stat(path / "lock").st_ino
    except OSError:
        same = False
    if not same:
        os.close(descriptor)
        return None
    return OwnedFolder(path, descriptor)


def others(parent: Path, mine: Path | None) -> list[Path]:
    """Folders of other processes, oldest first."""
    try:
        return sorted(path for path in parent.iterdir() if path != mine and path.is_dir())
    except OSError:
        return []
