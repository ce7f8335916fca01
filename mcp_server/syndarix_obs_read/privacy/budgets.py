"""The guard's file: accounts of budgets that are split by user carry the pseudonym."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from syndarix_obs.guarding.accounts import FILE, LOCK_FILE
from syndarix_obs_read.privacy.places import Note, Person, Verdict
from syndarix_obs_read.privacy.scan import scan


class BudgetsSource:
    """Accounts of budgets by user, and budgets that name a user."""

    name = "budgets"
    holds = "the pseudonym, with what was spent in a period, where a budget is split by user or about one"
    kept = "62 days after the period's end"
    method = "the accounts and definitions go, the file is written anew; a running agent may begin a new account"
    retries = True
    destinations: frozenset[str] = frozenset()

    def __init__(self, home: Path) -> None:
        self._path = home / FILE

    def find(self, person: Person) -> int:
        """Accounts and definitions under the pseudonym."""
        with self._open() as connection:
            if connection is None:
                return 0
            accounts = connection.execute("SELECT count(*) FROM accounts WHERE instr(key, ?)", (person.pseudonym,))
            defined = connection.execute("SELECT count(*) FROM budgets WHERE instr(definition, ?)", (person.pseudonym,))
            return int(accounts.fetchone()[0]) + int(defined.fetchone()[0])

    def erase(self, person: Person, note: Note) -> int:  # noqa: ARG002 - protocol
        """Delete them, and write the file anew."""
        found = self.find(person)
        with self._open() as connection:
            if connection is not None and found:
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute("DELETE FROM accounts WHERE instr(key, ?)", (person.pseudonym,))
                connection.execute("DELETE FROM budgets WHERE instr(definition, ?)", (person.pseudonym,))
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return found

    def verify(self, person: Person, note: Note) -> Verdict:  # noqa: ARG002 - protocol
        """Look through the bytes of the file and its log."""
        found = scan(sorted(self._path.parent.glob(f"{FILE}*")), person.needles)
        left = sum(found.hits.values())
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
