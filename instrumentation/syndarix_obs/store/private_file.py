"""Make an SQLite file that only its owner can read, without ever holding a descriptor of it.

Closing one drops the locks that SQLite holds on the file for this process (POSIX): see `file_check`.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path


def create_private(path: Path) -> None:
    """Make an empty file for the owner only (0600), unless there is one; no descriptor of it is ever open.

    Raises:
        OSError: it cannot be made.
    """
    if path.exists():
        return
    with contextlib.suppress(FileExistsError):  # another process was quicker
        try:
            os.mknod(path, stat.S_IFREG | 0o600)
        except (AttributeError, PermissionError):  # Windows; macOS leaves it to root
            _link_private(path)


def _link_private(path: Path) -> None:
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    os.close(handle)  # before the file has its name: nobody can have locked it
    try:
        os.link(draft, path)
    finally:
        os.unlink(draft)
