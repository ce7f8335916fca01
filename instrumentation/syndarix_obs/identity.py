"""Users are recorded under keyed pseudonyms; key and user index live in one folder, apart from the records.

The same user has the same pseudonym in every process that shares the folder. Who holds the key can work
out a user's pseudonym, and so find or erase that user's records (`store.erase.erase_person`); who
deletes the folder makes every pseudonym anonymous for good. The index holds pseudonyms and times, never a
raw id.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from syndarix_obs.guard import record_failure
from syndarix_obs.store.private_file import create_private
from syndarix_obs.store.tombstones import Tombstones

KEY_FILE: Final = "user.key"
"""Name of the key's file in the home folder: 64 hex digits, readable by the owner only."""
INDEX_FILE: Final = "users.sqlite"
"""Name of the index's file in the home folder."""

_KEY_BYTES: Final = 32
_CACHED: Final = 10_000
_SAVE_EVERY_S: Final = 5.0
_UPSERT: Final = (
    "INSERT INTO users VALUES (?, ?, ?) ON CONFLICT (pseudonym) DO UPDATE SET"
    " first_seen_ns = min(first_seen_ns, excluded.first_seen_ns),"
    " last_seen_ns = max(last_seen_ns, excluded.last_seen_ns)"
)


@dataclass(frozen=True, slots=True)
class KnownUser:
    """One line of the index; times are nanoseconds since the epoch."""

    pseudonym: str
    first_seen_ns: int
    last_seen_ns: int


class Identity:
    """Pseudonyms of users, and the index of whom was seen when.

    Args:
        home: folder of key and index; made for the owner only, when the first user is seen.
        key: a key of your own (any length but empty) instead of the one in the folder.

    A folder that cannot be written costs the agent nothing: the key then lives as long as the process, and
    the failure is counted under `identity.key` or `identity.index`.
    """

    def __init__(self, home: Path, key: bytes | None = None) -> None:
        self._home = home
        self._key = key or None
        self._tombstones = Tombstones(home)
        self._cache: dict[str, str] = {}
        self._unsaved: dict[str, tuple[int, int]] = {}
        self._saved_at = time.monotonic()
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def pseudonym(self, user: str) -> str:
        """`u_` and 16 hex digits: HMAC-SHA256 of the raw id under the key."""
        if os.getpid() != self._pid:
            self._start_over_in_child()
        found = self._cache.get(user)
        if found is None:
            found = self._remember(user)
        now = time.time_ns()
        with self._lock:
            first, _ = self._unsaved.get(found, (now, now))
            self._unsaved[found] = (first, now)
            due = time.monotonic() - self._saved_at >= _SAVE_EVERY_S
        if due:
            self.flush()
        return found

    def digest(self, raw: str) -> str:
        """The same for something that is no user: nobody is entered into the index."""
        return self._digest(raw)

    def fingerprint_key(self) -> bytes:
        """32 bytes, worked out from the folder's key, under which messages are fingerprinted."""
        key = self._key or self._load_key()
        return hmac.digest(key, b"fingerprints of messages", "sha256")

    def flush(self) -> None:
        """Write the index; failures are counted, and what could not be written is tried again later."""
        with self._lock:
            unsaved, self._unsaved = self._unsaved, {}
            self._saved_at = time.monotonic()
        if not unsaved:
            return
        try:
            with self._index() as index:
                erased = set(self._tombstones.among(unsaved))
                seen = [(name, first, last) for name, (first, last) in unsaved.items() if name not in erased]
                index.executemany(_UPSERT, seen)
        except (OSError, sqlite3.Error) as error:
            with self._lock:
                self._unsaved = {**unsaved, **self._unsaved} if len(unsaved) < _CACHED else {}
            record_failure("identity.index", error)

    def users(self) -> list[KnownUser]:
        """Everyone in the index, last seen first."""
        self.flush()
        with self._index() as index:
            rows = index.execute("SELECT * FROM users ORDER BY last_seen_ns DESC").fetchall()
        return [KnownUser(*row) for row in rows]

    def lookup(self, user: str) -> str | None:
        """The pseudonym of a user (raw id), None while the folder has no key. Unlike `pseudonym` it writes nothing."""
        if self._key is None and not (self._home / KEY_FILE).exists():
            return None
        return self._digest(user)

    def forget(self, user: str) -> str:
        """Take a user (raw id) out of the index; returns the pseudonym, for erasing the records under it."""
        pseudonym = self._digest(user)
        with self._lock:
            self._cache.pop(user, None)
        self.forget_pseudonym(pseudonym)
        return pseudonym

    def forget_pseudonym(self, pseudonym: str) -> int:
        """Take a pseudonym out of the index, and write its file anew; returns how many lines went (0 or 1)."""
        with self._lock:
            self._unsaved.pop(pseudonym, None)
        if not (self._home / INDEX_FILE).exists():
            return 0
        with self._index() as index:
            index.execute("PRAGMA secure_delete = ON")
            gone = index.execute("DELETE FROM users WHERE pseudonym = ?", (pseudonym,)).rowcount
        with contextlib.closing(sqlite3.connect(self._home / INDEX_FILE, timeout=2.0, isolation_level=None)) as index:
            index.execute("VACUUM")
        return gone

    def holds(self, pseudonym: str) -> bool:
        """Whether a pseudonym is in the index."""
        if not (self._home / INDEX_FILE).exists():
            return False
        with self._index() as index:
            found = index.execute("SELECT 1 FROM users WHERE pseudonym = ?", (pseudonym,)).fetchone()
        return found is not None

    def _start_over_in_child(self) -> None:
        """After a fork: the lock may have been held, and what is unsaved is the parent's to save."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._unsaved = {}

    def _remember(self, user: str) -> str:
        if len(self._cache) >= _CACHED:
            self._cache.clear()
        found = self._cache[user] = self._digest(user)
        return found

    def _digest(self, user: str) -> str:
        key = self._key
        if key is None:
            key = self._load_key()
        return "u_" + hmac.digest(key, user.encode(errors="surrogatepass"), "sha256").hex()[:16]

    def _load_key(self) -> bytes:
        with self._lock:
            if self._key is None:
                try:
                    self._key = _shared_key(self._home)
                except (OSError, ValueError) as error:
                    self._key = secrets.token_bytes(_KEY_BYTES)
                    record_failure("identity.key", error)
            return self._key

    @contextlib.contextmanager
    def _index(self) -> Iterator[sqlite3.Connection]:
        """A connection to the index, in one transaction, closed afterwards."""
        _make_home(self._home)
        path = self._home / INDEX_FILE
        create_private(path)
        with contextlib.closing(sqlite3.connect(path, timeout=2.0)) as index, index:
            index.execute(
                "CREATE TABLE IF NOT EXISTS users (pseudonym TEXT PRIMARY KEY, first_seen_ns INTEGER,"
                " last_seen_ns INTEGER) WITHOUT ROWID"
            )
            yield index


def _make_home(home: Path) -> None:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)


def _shared_key(home: Path) -> bytes:
    """The key in the folder; made by whichever process comes first, and complete whenever it can be seen."""
    path = home / KEY_FILE
    if not path.exists():
        _make_home(home)
        _publish(path, secrets.token_hex(_KEY_BYTES))
    key = bytes.fromhex(path.read_text(encoding="ascii"))
    if len(key) != _KEY_BYTES:
        raise ValueError(f"{path} is not a key of {_KEY_BYTES} bytes")
    return key


def _publish(path: Path, text: str) -> None:
    """Create the file with its content in one step, unless another process just did."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
