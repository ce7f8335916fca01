"""A store in memory, with the schema of the SQLite file: what a question fetched is asked with the same statements."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from syndarix_obs import vocabulary as v
from syndarix_obs.store.database import migrate
from syndarix_obs.store.schema import LEDGER_COLUMNS, RECORD_COLUMNS, SESSION_COLUMNS, pico
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.backends.sql.functions import add_functions
from syndarix_obs_read.backends.stack.lines import is_running

T = TypeVar("T")


def _insert(table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))}) ON CONFLICT DO NOTHING"


_RECORD: Final = _insert("records", RECORD_COLUMNS)
_LEDGER: Final = _insert("ledger", LEDGER_COLUMNS)
_SESSION: Final = _insert("sessions", SESSION_COLUMNS)
_INDEXES: Final = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql NOT LIKE 'CREATE UNIQUE%'"
_TEXTS: Final = ("record_id", "trace_id", "span_id", "name")
"""Columns that are empty, not NULL, when a line does not have them."""
_COUNTS: Final = tuple(name for name in LEDGER_COLUMNS if name.startswith("tokens_"))
_PROGRESS: Final = f"""
    UPDATE sessions SET last_progress_ns = max(last_progress_ns, coalesce(
        (SELECT max(r.end_ns) FROM records r WHERE r.session_id = sessions.session_id), 0))
    WHERE status = '{v.STATUS_RUNNING}'"""


class Scratch:
    """Records, ledger and sessions of one question. Give it what was fetched, then ask `connection`."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.row_factory = sqlite3.Row
        self._turn = asyncio.Lock()
        migrate(self.connection)
        add_functions(self.connection)

    def __enter__(self) -> Scratch:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget everything."""
        self.connection.close()

    async def ask(self, question: Callable[[Scratch], T]) -> T:
        """Ask in a thread, one at a time; a question that is given up is interrupted before the store can be closed."""
        async with self._turn:
            work = asyncio.ensure_future(asyncio.to_thread(question, self))
            try:
                return await asyncio.shield(work)
            except asyncio.CancelledError:
                self.connection.interrupt()
                with contextlib.suppress(sqlite3.Error):
                    await work
                raise

    def expect_many(self) -> None:
        """Be without the indexes that only make questions quick: for a question that reads most rows anyway."""
        names = [name for (name,) in self.connection.execute(_INDEXES)]
        for name in names:
            self.connection.execute(f"DROP INDEX {name}")

    def add_rows(self, table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        """Take rows with these columns into `records`, `ledger` or `sessions`, each record once."""
        self.connection.execute("BEGIN")
        self.connection.executemany(_insert(table, columns), rows)
        self.connection.execute("COMMIT")

    def add(self, found: Iterable[StoredRecord]) -> None:
        """Take records of any kind, each once; a session that still runs comes without a record of its end."""
        records, ledger, sessions = [], [], []
        for each in found:
            if each.kind == v.KIND_COST:
                ledger.append(ledger_row(each.data))
                continue
            if each.kind == v.KIND_SESSION:
                sessions.append(each)
            if not is_running(each):
                records.append(record_row(each))
        self.connection.execute("BEGIN")
        self.connection.executemany(_RECORD, records)
        self.connection.executemany(_LEDGER, ledger)
        # What has ended goes first, so that the line of its start finds the place taken.
        self.connection.executemany(_SESSION, map(session_row, sorted(sessions, key=is_running)))
        self.connection.execute(_PROGRESS)
        self.connection.execute("COMMIT")


def record_row(found: StoredRecord) -> list[Any]:
    """The values of `RECORD_COLUMNS`; nothing in `extra`, which no question asks for."""
    own = {
        **found.data,
        "ts_ns": found.start_ns,
        "end_ns": found.end_ns,
        "duration_ns": max(0, found.end_ns - found.start_ns),
        "level": found.level,
        "status": found.get("status", v.STATUS_OK),
        **{name: found.text(name) for name in _TEXTS},
    }
    return [_value(own.get(name)) for name in RECORD_COLUMNS]


def session_row(found: StoredRecord) -> list[Any]:
    """The values of `SESSION_COLUMNS`."""
    own = {
        **found.data,
        "session_id": found.text("session_id") or found.text("trace_id"),
        "started_ns": found.start_ns,
        "ended_ns": None if is_running(found) else found.end_ns,
        "last_progress_ns": max(found.start_ns, found.end_ns),
    }
    return [_value(own.get(name)) for name in SESSION_COLUMNS]


def ledger_row(data: Mapping[str, Any]) -> list[Any]:
    """The values of `LEDGER_COLUMNS`."""
    counts = {name: data.get(name) or 0 for name in _COUNTS}
    own = {**data, **counts, "ts_ns": data.get("start_ns", 0), "cost_pico": pico(amount(data.get("total_cost_usd")))}
    own.setdefault("trace_id", "")
    own.setdefault("span_id", "")
    own.setdefault("status", v.STATUS_OK)
    return [_value(own.get(name)) for name in LEDGER_COLUMNS]


def amount(text: Any) -> Decimal | None:
    """Dollars from a line, None where it has none."""
    try:
        return None if text in (None, "") else Decimal(str(text))
    except InvalidOperation:
        return None


def _value(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
