"""Who was erased: what keeps late spans, a spool and a restored backup from bringing the person back.

One file of a home folder, `erased/tombstones`, that only grows: a line is `+` or `-`, a hash of the pseudonym, a time.
The hash cannot be turned back, so the file names nobody; who has the pseudonym can ask whether it is there. A tombstone
holds until it is lifted: what the person does later is counted and paid for, without the person.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

FOLDER: Final = "erased"
"""Name of the folder of tombstones, requests and receipts in the home folder."""
TOMBSTONES: Final = "tombstones"
"""Name of the file in it."""

_HASH_DIGITS: Final = 32
_SESSION: Final = "session "


def hash_of(pseudonym: str) -> str:
    """The name under which a pseudonym stands in the file: 32 hex digits."""
    return hashlib.sha256(b"syndarix-obs tombstone " + pseudonym.encode(errors="replace")).hexdigest()[:_HASH_DIGITS]


class Tombstones:
    """The tombstones of one home folder; reads the file again whenever it has grown.

    Args:
        home: the home folder; nothing is made in it before the first tombstone.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / FOLDER / TOMBSTONES
        self._size = -1
        self._hashes: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self._current())

    def holds(self, pseudonym: str | None) -> bool:
        """Whether this user was erased."""
        hashes = self._current()
        return bool(hashes) and bool(pseudonym) and hash_of(str(pseudonym)) in hashes

    def concern(self, user: str | None, session_id: str | None) -> bool:
        """Whether a record is about somebody who was erased: it names that user, or no user and that one's session, as
        notes on a session do that other people give."""
        if user:
            return self.holds(user)
        return bool(session_id) and self.holds(_SESSION + str(session_id))

    def among(self, pseudonyms: Iterable[str]) -> list[str]:
        """Those of some pseudonyms that were erased."""
        return [each for each in pseudonyms if self.holds(each)]

    def state(self) -> str:
        """A text that changes whenever somebody is erased or a tombstone is lifted; empty without any."""
        self._current()
        return f"{self._size}" if self._size > 0 else ""

    def add(self, pseudonym: str) -> None:
        """Set a tombstone; on disk when this returns. Raises OSError."""
        if not self.holds(pseudonym):
            self._append("+", pseudonym)

    def add_session(self, session_id: str) -> None:
        """Set a tombstone for the name of an erased user's session, which nobody else uses. Raises OSError."""
        self.add(_SESSION + session_id)

    def lift(self, pseudonym: str) -> bool:
        """Record the person again from now on; False when there was no tombstone. Raises OSError."""
        held = self.holds(pseudonym)
        if held:
            self._append("-", pseudonym)
        return held

    def _append(self, sign: str, pseudonym: str) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        line = f"{sign} {hash_of(pseudonym)} {time.time_ns()}\n".encode()
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)

    def _current(self) -> frozenset[str]:
        try:
            size = os.stat(self.path).st_size
        except OSError:
            size = 0
        if size != self._size:
            self._hashes = self._read() if size else frozenset()
            self._size = size
        return self._hashes

    def _read(self) -> frozenset[str]:
        found: set[str] = set()
        for line in self.path.read_text(encoding="ascii", errors="replace").splitlines():
            sign, _, rest = line.partition(" ")
            (found.add if sign == "+" else found.discard)(rest.partition(" ")[0])
        return frozenset(found)
