"""The keys of users' contents: one file in the home folder, apart from every place that the contents go to.

A key is made with the first content of its user, and is on disk before anything is encrypted with it. Whoever has a
tombstone has no key, also when an older copy of the file was put back.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syndarix_obs.encryption import KEY_FILE
from syndarix_obs.store.private_file import create_private
from syndarix_obs.store.tombstones import Tombstones

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_SECRET_BYTES: Final = 64  # AES-256-SIV takes two keys of 32
_ID_BYTES: Final = 8
_CACHED: Final = 10_000
_WAIT_S: Final = 5.0
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS keys (pseudonym TEXT PRIMARY KEY, id TEXT UNIQUE, secret BLOB) WITHOUT ROWID"
)


@dataclass(frozen=True, slots=True)
class Key:
    """The key of one user.

    Args:
        id: 16 hex digits that stand beside what is encrypted; random, so that they name nobody.
        owner: the user's pseudonym.
        cipher: encrypts and decrypts under the key.
    """

    id: str
    owner: str
    cipher: AESSIV = field(repr=False)


class PayloadKeys:
    """The keys of one home folder. Belongs to one thread at a time.

    Args:
        home: the home folder; nothing is made in it before the first key.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / KEY_FILE
        self._tombstones = Tombstones(home)
        self._of: dict[str, Key] = {}
        self._by_id: dict[str, Key | None] = {}
        self._written = self._read = ""

    def of(self, pseudonym: str) -> Key | None:
        """The key of a user, made now if there is none; None for somebody who was erased.

        Raises:
            OSError, sqlite3.Error: the file cannot be read or written.
            ImportError: the extra `payload-keys` is not installed.
        """
        state = self._state()  # before the key is read: what is erased in between is seen next time
        if state != self._written or len(self._of) >= _CACHED:
            self._of.clear()
            self._written = state
        found = self._of.get(pseudonym)
        if found is None:
            found = self._made(pseudonym)
            if found is not None:
                self._of[pseudonym] = found
        return found

    def find(self, key_id: str) -> Key | None:
        """The key with an id; None when it is erased. Raises as `of`."""
        state = f"{self._state()} {_changed(self._path)}"
        if state != self._read or len(self._by_id) >= _CACHED:
            self._by_id.clear()
            self._read = state
        if key_id not in self._by_id:
            self._by_id[key_id] = self._found(key_id)
        return self._by_id[key_id]

    def holds(self, pseudonym: str) -> bool:
        """Whether a user has a key."""
        with self._open() as file:
            return bool(file and file.execute("SELECT 1 FROM keys WHERE pseudonym = ?", (pseudonym,)).fetchone())

    def forget(self, pseudonym: str) -> int:
        """Delete a user's key and write the file anew; returns how many went (0 or 1)."""
        self._of.pop(pseudonym, None)
        with self._open() as file:
            if file is None:
                return 0
            gone = file.execute("DELETE FROM keys WHERE pseudonym = ?", (pseudonym,)).rowcount
            file.execute("VACUUM")
        return gone

    def _made(self, pseudonym: str) -> Key | None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_private(self._path)
        with self._open() as file:
            if file is None:
                raise FileNotFoundError(self._path)
            file.execute("BEGIN IMMEDIATE")
            file.execute(_TABLE)
            # Under the lock: who is erased after this loses the key that is made here.
            if self._tombstones.holds(pseudonym):
                file.execute("DELETE FROM keys WHERE pseudonym = ?", (pseudonym,))
                file.execute("COMMIT")
                return None
            new = (pseudonym, secrets.token_hex(_ID_BYTES), secrets.token_bytes(_SECRET_BYTES))
            file.execute("INSERT OR IGNORE INTO keys VALUES (?, ?, ?)", new)
            row = file.execute("SELECT id, secret FROM keys WHERE pseudonym = ?", (pseudonym,)).fetchone()
            file.execute("COMMIT")
        return _key(row[0], pseudonym, row[1])

    def _found(self, key_id: str) -> Key | None:
        with self._open() as file:
            row = file and file.execute("SELECT id, pseudonym, secret FROM keys WHERE id = ?", (key_id,)).fetchone()
        return None if not row or self._tombstones.holds(row[1]) else _key(*row)

    def _state(self) -> str:
        """Changes when somebody is erased, and when the file is another one: keys of before are worth nothing then."""
        try:
            number = os.stat(self._path).st_ino
        except OSError:
            number = 0
        return f"{self._tombstones.state()} {number}"

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        """A connection, closed afterwards; None while there is no file."""
        if not self._path.exists():
            yield None
            return
        with contextlib.closing(sqlite3.connect(self._path, timeout=_WAIT_S, isolation_level=None)) as file:
            file.execute("PRAGMA secure_delete = ON")
            if not self._path.stat().st_size:
                file.execute(_TABLE)
            yield file


def _changed(path: Path) -> str:
    try:
        found = os.stat(path)
    except OSError:
        return ""
    return f"{found.st_mtime_ns} {found.st_size}"


def _key(key_id: str, owner: str, secret: bytes) -> Key:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    return Key(key_id, owner, AESSIV(secret))
