"""The guard's file: accounts of budgets that are split by user carry the pseudonym."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from syndarix_obs.guarding.accounts import FILE, LOCK_FILE
from syndarix_obs_read.privacy.places import Note, Person, Verdict
from syndarix_obs_read.privacy.scan import scan

_DEFINED: Final = "budgets WHERE instr(name || char(31) || definition, ?1)"
_OF_PSEUDONYM: Final = (
    f"accounts WHERE instr(key || char(31) || period, ?1) OR budget IN (SELECT name FROM {_DEFINED})",  # noqa: S608 - ours
    _DEFINED,
)
"""What names somebody; accounts before the definitions by which some are found."""
_OF_SESSION: Final = (
    "accounts WHERE period = ?1 OR instr(char(31) || key || char(31), char(31) || ?1 || char(31))",
)
"""A session's name is compared whole: `support` is also a part of the budget `support-cap`, which is nobody's."""


class BudgetsSource:
    """Accounts of budgets by user, and budgets that name a user."""

    name = "budgets"
    holds = (
        "the pseudonym or a session's name, with what was spent in a period, where a budget is split by user or "
        "session, or about one"
    )
    kept = "62 days after the period's end"
    method = "the accounts and definitions go, the file is written anew; a running agent may begin a new account"
    retries = True
    destinations: frozenset[str] = frozenset()

    def __init__(self, home: Path) -> None:
        self._path = home / FILE

    def find(self, person: Person) -> int:
        """Accounts and definitions under the pseudonym, and accounts of the person's sessions."""
        with self._open() as connection:
            if connection is None:
                return 0
            sought = [(f"SELECT count(*) FROM {rows}", name) for rows, name in _sought(person)]  # noqa: S608 - ours
            return sum(int(connection.execute(count, (name,)).fetchone()[0]) for count, name in sought)

    def erase(self, person: Person, note: Note) -> int:  # noqa: ARG002 - protocol
        """Delete them, and write the file anew."""
        found = self.find(person)
        with self._open() as connection:
            if connection is not None and found:
                connection.execute("PRAGMA secure_delete = ON")
                for rows, name in _sought(person):
                    connection.execute(f"DELETE FROM {rows}", (name,))  # noqa: S608 - ours
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return found

    def verify(self, person: Person, note: Note) -> Verdict:  # noqa: ARG002 - protocol
        """Look through the bytes of the file and its log for the pseudonym, and through the rows for the sessions."""
        found = scan(sorted(self._path.parent.glob(f"{FILE}*")), [person.pseudonym.encode()])
        left = sum(found.hits.values()) or self.find(person)
        why = "a running agent counts for this user: end it, or lift the budget, then run this again" if left else ""
        return Verdict(not left and not found.unread, found.words(), left, why)

    def owns(self, path: Path) -> bool:
        """The file, what SQLite keeps beside it, and its lock."""
        return path.name.startswith((FILE, LOCK_FILE))

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        if not self._path.exists():
            yield None
            return
        with contextlib.closing(sqlite3.connect(self._path, timeout=2.0, isolation_level=None)) as connection:
            yield connection


def _sought(person: Person) -> list[tuple[str, str]]:
    """Rows, and the name by which they are found."""
    mine = [(rows, person.pseudonym) for rows in _OF_PSEUDONYM]
    return [*mine, *((rows, name) for name in person.sessions for rows in _OF_SESSION)]
