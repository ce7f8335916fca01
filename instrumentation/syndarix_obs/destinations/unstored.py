"""Records that a process had to leave when it ended before the store took them: files beside the store, for the next.

The records are redacted by then. A file is locked by whoever brings it into the store, and removed when that is done;
records have ids, so that a file that is brought in twice counts once.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from syndarix_obs.delivery.ownership import make_private, try_lock
from syndarix_obs.guard import record_failure
from syndarix_obs.records.model import Record
from syndarix_obs.records.saved import from_line, to_line

MOST_BYTES: Final = 256 * 1024 * 1024
"""Bytes that may lie there; beyond that nothing is added."""
_SUFFIX: Final = ".records"
_OLD_DRAFT_S: Final = 3600.0


class Unstored:
    """The folder of such files.

    Args:
        folder: made for the owner only, when something has to be left.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def leave(self, records: Sequence[Record]) -> bool:
        """Write records for the next process; False when that could not be done."""
        try:
            make_private(self._folder)
            data = "".join(to_line(record) + "\n" for record in records).encode("utf-8", "surrogatepass")
            if sum(path.stat().st_size for path in self._files()) + len(data) > MOST_BYTES:
                return False
            path = self._folder / f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(3)}{_SUFFIX}"
            draft = path.with_suffix(".draft")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            draft.replace(path)
        except (OSError, TypeError, ValueError) as error:
            record_failure("unstored", error)
            return False
        return True

    def take(self) -> Iterator[list[Record]]:
        """The records of each file, oldest first. A file goes when the next one is asked for: store them before."""
        for path in self._files():
            with contextlib.suppress(OSError), path.open("rb") as file:
                if not try_lock(file.fileno()) or not path.exists():
                    continue  # somebody else brings it in, or just did
                yield [found for line in file if (found := _read(line)) is not None]
                path.unlink(missing_ok=True)
        self._tidy()

    def _files(self) -> list[Path]:
        try:
            return sorted(path for path in self._folder.iterdir() if path.suffix == _SUFFIX)
        except OSError:
            return []

    def _tidy(self) -> None:
        with contextlib.suppress(OSError):
            for draft in self._folder.glob("*.draft"):
                if time.time() - draft.stat().st_mtime > _OLD_DRAFT_S:
                    draft.unlink()
            self._folder.rmdir()  # only when it is empty


def _read(line: bytes) -> Record | None:
    try:
        return from_line(line.decode("utf-8", "surrogatepass"))
    except ValueError as error:
        record_failure("unstored", error)
        return None
