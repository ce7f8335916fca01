"""What is spent and reserved of each budget: a small SQLite file that all processes of a machine share.

An account is one budget, one value of what it is split by, and one period. What a process has leased of it (`held`)
counts like spent money until it is settled, given back, or its time is over. Every change is one transaction under one
lock, so that no two processes can see the same dollar.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from syndarix_obs.errors import StoreError
from syndarix_obs.guarding.budgets import Budget
from syndarix_obs.guarding.lock import Lock
from syndarix_obs.guarding.periods import RUN_KEPT_NS, Period
from syndarix_obs.store import holders
from syndarix_obs.store.filesystem import refuse_network
from syndarix_obs.store.private_file import create_private

FILE: Final = "guard.sqlite3"
"""Name of the file in the home folder."""
LOCK_FILE: Final = "guard.lock"
_KEPT_NS: Final = 62 * 86_400 * 10**9
_CHECKPOINT_PAGES: Final = 1_000

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS accounts (
  id INTEGER PRIMARY KEY, budget TEXT NOT NULL, key TEXT NOT NULL, period TEXT NOT NULL, end_ns INTEGER NOT NULL,
  used_ns INTEGER NOT NULL, usd INTEGER NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0,
  calls INTEGER NOT NULL DEFAULT 0, held_usd INTEGER NOT NULL DEFAULT 0, held_tokens INTEGER NOT NULL DEFAULT 0,
  held_calls INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0, UNIQUE (budget, key, period));
CREATE TABLE IF NOT EXISTS held (
  hold TEXT NOT NULL, account INTEGER NOT NULL, usd INTEGER NOT NULL, tokens INTEGER NOT NULL, calls INTEGER NOT NULL,
  expires_ns INTEGER NOT NULL, PRIMARY KEY (hold, account)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS held_by_end ON held (expires_ns);
CREATE INDEX IF NOT EXISTS held_by_account ON held (account, expires_ns);
CREATE TABLE IF NOT EXISTS budgets (name TEXT PRIMARY KEY, definition TEXT NOT NULL) WITHOUT ROWID;
"""
_FIND: Final = (
    "SELECT id, usd, tokens, calls, held_usd, held_tokens, held_calls FROM accounts"
    " WHERE budget = ? AND key = ? AND period = ?"
)
_GIVE_BACK: Final = (
    "UPDATE accounts SET held_usd = held_usd - ?, held_tokens = held_tokens - ?, held_calls = held_calls - ?"
    " WHERE id = ?"
)
_HOLD: Final = (
    "INSERT INTO held VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET usd = usd + excluded.usd,"
    " tokens = tokens + excluded.tokens, calls = calls + excluded.calls, expires_ns = excluded.expires_ns"
)
_HOLD_LESS: Final = (
    "UPDATE held SET usd = usd - ?, tokens = tokens - ?, calls = calls - ? WHERE hold = ? AND account = ?"
)
_PART_OF_REST: Final = 16
"""A process leases at most one in so many of what is left."""


class Amount(NamedTuple):
    """Billionths of a dollar, tokens, and calls."""

    usd: int = 0
    tokens: int = 0
    calls: int = 0


class Place(NamedTuple):
    """The account that a call belongs to."""

    budget: Budget
    key: str
    period: Period


class Want(NamedTuple):
    """What a process must have of an account, and what it would like to have beside it."""

    place: Place
    needed: Amount
    more: Amount


class Excess(NamedTuple):
    """A limit that a call would go over. `earliest_ns` is when a reservation in the way runs out, 0 when none is."""

    place: Place
    unit: str
    limit: int
    spent: int
    held: int
    needed: int
    earliest_ns: int


class Account(NamedTuple):
    """One row, as it stands."""

    budget: str
    key: str
    period: str
    end_ns: int
    spent: Amount
    held: Amount
    refused: int


class Accounts:
    """The file. Each method is one transaction; all raise `sqlite3.Error`, `OSError` or `StoreError` when it fails.

    Args:
        home: folder of the file; made when it is missing.
        share: part of each limit that this machine may spend, above 0 and at most 1.
        wait_s: seconds to wait for other threads and processes.
    """

    def __init__(self, home: Path, *, share: float = 1.0, wait_s: float = 0.1) -> None:
        self.path = home / FILE
        self._share = share
        self._wait_s = wait_s
        self._lock = Lock(home / LOCK_FILE)
        self._connection: sqlite3.Connection | None = None
        holders.register(self)

    def lease(
        self, hold: str, wants: Sequence[Want], now_ns: int, expires_ns: int
    ) -> tuple[Excess | None, list[Excess], list[Amount]]:
        """Reserve what is needed in every account at once, or in none; and some more where there is enough.

        Returns:
            The limit that forbids it, None when it is reserved; the limits that it is over and that only warn; and what
            was reserved, want by want.
        """
        warned: list[Excess] = []
        with self._transaction() as connection:
            self._expire(connection, now_ns)
            found = [(want, self._account(connection, want.place, now_ns)) for want in wants]
            for want, row in found:
                for excess in self._over(connection, want, row):
                    if want.place.budget.on_exceed != "warn":
                        return excess, warned, []
                    warned.append(excess)
            granted = [self._granted(want, row) for want, row in found]
            for (_, row), amount in zip(found, granted, strict=True):
                connection.execute(
                    "UPDATE accounts SET held_usd = held_usd + ?, held_tokens = held_tokens + ?,"
                    " held_calls = held_calls + ?, used_ns = ? WHERE id = ?", (*amount, now_ns, row[0]),
                )  # fmt: skip
                connection.execute(_HOLD, (hold, row[0], *amount, expires_ns))
        return None, warned, granted

    def settle(
        self,
        spent: Iterable[tuple[Place, Amount]],
        returned: Iterable[tuple[str, Place, Amount]],
        renewed: Iterable[tuple[str, Place]],
        now_ns: int,
        expires_ns: int,
        refused: Iterable[tuple[Place, int]] = (),
    ) -> None:
        """Enter what was spent, which may be below zero when a call is taken back; give back what was reserved, renew
        what is still in use, and count what was refused."""
        with self._transaction() as connection:
            self._expire(connection, now_ns)
            for place, amount in spent:
                row = self._account(connection, place, now_ns)
                connection.execute(
                    "UPDATE accounts SET usd = usd + ?, tokens = tokens + ?, calls = calls + ?, used_ns = ?"
                    " WHERE id = ?", (*amount, now_ns, row[0]),
                )  # fmt: skip
            for hold, place, amount in returned:
                self._give_back(connection, hold, self._account(connection, place, now_ns)[0], amount)
            for hold, place in renewed:
                account = self._account(connection, place, now_ns)[0]
                connection.execute(
                    "UPDATE held SET expires_ns = ? WHERE hold = ? AND account = ?", (expires_ns, hold, account)
                )
            for place, times in refused:
                account = self._account(connection, place, now_ns)[0]
                connection.execute("UPDATE accounts SET refused = refused + ? WHERE id = ?", (times, account))
        self._checkpoint()

    def excess(self, want: Want, now_ns: int) -> Excess | None:
        """The limit that forbids this now, None when there is room; reserves nothing."""
        with self._transaction() as connection:
            row = self._account(connection, want.place, now_ns)
            return next(self._over(connection, want, row), None)

    @staticmethod
    def _give_back(connection: sqlite3.Connection, hold: str, account: int, amount: Amount) -> None:
        """Never more than is there: a lease that has run out has been given back already."""
        row = connection.execute(
            "SELECT usd, tokens, calls FROM held WHERE hold = ? AND account = ?", (hold, account)
        ).fetchone()
        if row is None:
            return
        back = [min(there, each) for there, each in zip(row, amount, strict=True)]
        connection.execute(_GIVE_BACK, (*back, account))
        if back == list(row):
            connection.execute("DELETE FROM held WHERE hold = ? AND account = ?", (hold, account))
        else:
            connection.execute(_HOLD_LESS, (*back, hold, account))

    def clean_up(self, now_ns: int) -> None:
        """Forget accounts of days long gone, and of runs that nobody goes on with; give back what ran out of time."""
        with self._transaction() as connection:
            self._expire(connection, now_ns)
            connection.execute(
                "DELETE FROM accounts WHERE (end_ns < ? OR used_ns < ?)"
                " AND NOT EXISTS (SELECT 1 FROM held WHERE account = id)",
                (now_ns - _KEPT_NS, now_ns - max(RUN_KEPT_NS, _KEPT_NS)),
            )

    def declare(self, definitions: Iterable[tuple[str, str]]) -> None:
        """Keep what budgets say, as JSON by name, for those who look at the file."""
        with self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO budgets VALUES (?, ?)", definitions)

    def _over(self, connection: sqlite3.Connection, want: Want, row: tuple[int, ...]) -> Iterator[Excess]:
        for at, (unit, limit) in enumerate(self._limits(want.place.budget)):
            spent, held, needed = row[1 + at], row[4 + at], want.needed[at]
            if limit is not None and spent + held + needed > limit:
                # With what is reserved given back the call would fit: a reservation is in the way, unless it is a call,
                # which counts when it has ended.
                waits = spent + needed <= limit and unit != "calls"
                earliest = connection.execute("SELECT min(expires_ns) FROM held WHERE account = ?", (row[0],))
                until = (earliest.fetchone()[0] or 0) if waits else 0
                yield Excess(want.place, unit, limit, spent, held, needed, until)

    def _granted(self, want: Want, row: tuple[int, ...]) -> Amount:
        """What is needed, and of what is wanted beside it no more than a part of what is left."""
        amounts = []
        for at, (_, limit) in enumerate(self._limits(want.place.budget)):
            needed = want.needed[at]
            left = 0 if limit is None else max(0, limit - row[1 + at] - row[4 + at] - needed)
            amounts.append(needed + min(want.more[at], left // _PART_OF_REST))
        return Amount(*amounts)

    def _limits(self, budget: Budget) -> tuple[tuple[str, int | None], ...]:
        limits = (("usd", budget.usd), ("tokens", budget.tokens), ("calls", budget.calls))
        return tuple((unit, None if limit is None else int(limit * self._share)) for unit, limit in limits)

    def _account(self, connection: sqlite3.Connection, place: Place, now_ns: int) -> tuple[int, ...]:
        identity = (place.budget.name, place.key, place.period.name)
        row: tuple[int, ...] | None = connection.execute(_FIND, identity).fetchone()
        if row is None:
            made = connection.execute(
                "INSERT INTO accounts (budget, key, period, end_ns, used_ns) VALUES (?, ?, ?, ?, ?)",
                (*identity, place.period.end_ns, now_ns),
            )
            row = (made.lastrowid or 0, 0, 0, 0, 0, 0, 0)
        return row

    def _expire(self, connection: sqlite3.Connection, now_ns: int) -> None:
        if connection.execute("SELECT 1 FROM held WHERE expires_ns <= ? LIMIT 1", (now_ns,)).fetchone() is None:
            return
        rows = connection.execute(
            "DELETE FROM held WHERE expires_ns <= ? RETURNING usd, tokens, calls, account", (now_ns,)
        ).fetchall()
        connection.executemany(_GIVE_BACK, rows)

    # --- the file ---

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._connection is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock.held(self._wait_s):
            connection = self._connection or self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _open(self) -> sqlite3.Connection:
        holders.refuse_inherited(self.path)
        refuse_network(self.path)
        create_private(self.path)
        connection = sqlite3.connect(
            self.path, timeout=self._wait_s, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        # Nothing of a commit waits for the disk: after a crash of the machine the last calls are missing, no more.
        # The log is merged by the worker, never in a caller's transaction.
        pragmas = ("journal_mode = WAL", "synchronous = NORMAL", "wal_autocheckpoint = 50000", "secure_delete = ON")
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").fetchone()
        connection.executescript(_SCHEMA)
        self._connection = connection
        return connection

    def _checkpoint(self) -> None:
        """Merge the log when it is long. Outside of the lock: readers and writers go on."""
        try:
            long = os.stat(f"{self.path}-wal").st_size > _CHECKPOINT_PAGES * 4_096
        except OSError:
            return
        if long:
            with sqlite3.connect(self.path, timeout=0, isolation_level=None) as own:
                own.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            own.close()

    def close(self) -> None:
        """Give the file back; the next use opens it again."""
        if self.let_go(1.0):
            self.take_back()

    def let_go(self, timeout: float) -> bool:
        """See `holders.Holder`."""
        if not self._lock.threads.acquire(timeout=timeout):
            return False
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lock.close()
        return True

    def take_back(self) -> None:
        """See `holders.Holder`."""
        self._lock.threads.release()

    def start_over(self, *, closed: bool) -> None:
        """See `holders.Holder`."""
        if not closed and self._connection is not None:
            _kept.append(self._connection)
        self._lock, self._connection = Lock(self.path.with_name(LOCK_FILE)), None


_kept: list[sqlite3.Connection] = []
"""Connections of a parent process that was at work when it forked: closing them here would drop its locks."""


def read(home: Path) -> tuple[dict[str, str], list[Account]]:
    """What a file holds, without changing it: definitions by name, and all accounts; nothing when there is no file.

    Raises:
        StoreError: it cannot be read.
    """
    path = home / FILE
    if not path.exists():
        return {}, []
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=0.5)
        try:
            definitions = dict(connection.execute("SELECT name, definition FROM budgets").fetchall())
            rows = connection.execute(
                "SELECT budget, key, period, end_ns, usd, tokens, calls, held_usd, held_tokens, held_calls, refused"
                " FROM accounts ORDER BY budget, period, key"
            ).fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"the file of budgets {path} cannot be read: {error}") from error
    return definitions, [
        Account(budget, key, period, end_ns, Amount(*amounts[:3]), Amount(*amounts[3:6]), amounts[6])
        for budget, key, period, end_ns, *amounts in rows
    ]
