"""What was taken from transcripts before: how far each file was read, which things are known, which sessions are open.

A SQLite file of its own in the data folder. It holds hashes in place of paths and ids, and no content. It is written
after what it tells of is in the store: a crash between the two means reading a little again, which changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

FILE_NAME: Final = "imports.sqlite3"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, offset INTEGER, size INTEGER, changed_ns INTEGER, state TEXT);
CREATE TABLE IF NOT EXISTS things (id INTEGER PRIMARY KEY, key BLOB UNIQUE, start_ns INTEGER, source BLOB, usages TEXT);
CREATE TABLE IF NOT EXISTS agents (id TEXT PRIMARY KEY, kind TEXT);
CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, about TEXT);
"""
_KEPT_USAGES: Final = 5_000


@dataclass(slots=True)
class FileState:
    """How far a file was read, and what its reader has to know to go on."""

    offset: int = 0
    size: int = 0
    changed_ns: int = 0
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Known:
    """A thing that was taken. `usages` are all that were told of a call, in their order."""

    start_ns: int
    source: bytes
    usages: list[Any]


class Memory:
    """Opens the file in a data folder, and makes it if it is not there.

    Args:
        home: the data folder.
        tool: whose transcripts; each tool has things of its own.

    Raises:
        sqlite3.Error: the file cannot be used.
    """

    def __init__(self, home: Path, tool: str) -> None:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = home / FILE_NAME
        path.touch(mode=0o600)
        self._tool = tool
        self._connection = sqlite3.connect(path, timeout=10, isolation_level=None)
        self._connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {_SCHEMA}")
        self._connection.execute("BEGIN IMMEDIATE")
        self.agents: dict[str, str] = dict(self._connection.execute("SELECT id, kind FROM agents"))

    def digest(self, text: str) -> bytes:
        """What stands for a path or a key."""
        return hashlib.sha256(f"{self._tool}\0{text}".encode("utf-8", "replace")).digest()[:16]

    def file(self, path: Path) -> FileState:
        """How far a file was read; a new state for one that is not known."""
        row = self._connection.execute(
            "SELECT offset, size, changed_ns, state FROM files WHERE path = ?", (self.digest(str(path)),)
        ).fetchone()
        return FileState() if row is None else FileState(row[0], row[1], row[2], json.loads(row[3]))

    def note_file(self, path: Path, found: FileState) -> None:
        """How far it was read now."""
        values = (self.digest(str(path)), found.offset, found.size, found.changed_ns, json.dumps(found.state))
        self._connection.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", values)

    def known(self, keys: tuple[str, ...]) -> Known | None:
        """A thing that has any of these keys."""
        marks = ", ".join("?" * len(keys))
        row = self._connection.execute(
            f"SELECT start_ns, source, usages FROM things WHERE key IN ({marks})",  # noqa: S608 - question marks only
            [self.digest(key) for key in keys],
        ).fetchone()
        return None if row is None else Known(row[0], row[1], json.loads(row[2] or "[]"))

    def note(self, keys: tuple[str, ...], start_ns: int, source: Path, usages: list[Any]) -> None:
        """A thing was taken, or told anew."""
        origin, told = self.digest(str(source)), json.dumps(usages) if usages else None
        self._connection.executemany(
            "INSERT INTO things (key, start_ns, source, usages) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET usages = excluded.usages",
            [(self.digest(key), start_ns, origin, told) for key in keys],
        )

    def sessions(self) -> dict[str, dict[str, Any]]:
        """Sessions that have not ended, by id."""
        rows = self._connection.execute("SELECT id, about FROM sessions WHERE id GLOB ?", (f"{self._tool}:*",))
        return {name.partition(":")[2]: json.loads(about) for name, about in rows}

    def note_sessions(self, found: dict[str, dict[str, Any]], ended: list[str]) -> None:
        """Sessions that go on, and those that have ended."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO sessions VALUES (?, ?)",
            [(f"{self._tool}:{name}", json.dumps(about)) for name, about in found.items()],
        )
        self._connection.executemany("DELETE FROM sessions WHERE id = ?", [(f"{self._tool}:{name}",) for name in ended])

    def commit(self) -> None:
        """Everything noted so far stays."""
        self._connection.executemany("INSERT OR REPLACE INTO agents VALUES (?, ?)", self.agents.items())
        self._connection.execute(
            "UPDATE things SET usages = NULL WHERE usages IS NOT NULL AND id < (SELECT max(id) FROM things) - ?",
            (_KEPT_USAGES,),
        )
        self._connection.execute("COMMIT")
        self._connection.execute("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Give the file back; what was not committed is forgotten."""
        self._connection.close()
