"""What an archive holds: the store's tables as they are, so that what is put back is what was taken out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from syndarix_obs.store import hours
from syndarix_obs.store.contents import delete_payloads
from syndarix_obs.store.retention import delete_records
from syndarix_obs.store.rows import put_payload
from syndarix_obs.store.schema import LEDGER_COLUMNS, RECORD_COLUMNS, SESSION_COLUMNS

DAY_NS: Final = 86_400 * 10**9
"""A day in nanoseconds; days of an archive are those of UTC."""
Values = tuple[Any, ...]
"""One row, in the order of a table's columns."""
_PAGE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Args:
        name: in the store and in the archive.
        columns: what is kept of it; `payload` is the text of the payload.
        time: column by which a row belongs to a day.
        key: columns that tell a row apart from all others.
    """

    name: str
    columns: tuple[str, ...]
    time: str
    key: tuple[str, str]

    @property
    def order(self) -> tuple[str, ...]:
        """Columns by which rows are ordered: by time, and no two rows are equal in them."""
        return tuple(dict.fromkeys((self.time, self.key[1], self.key[0])))

    @property
    def source(self) -> str:
        """SQL of the rows."""
        names = ", ".join(f'r."{name}"' for name in self.columns if name != "payload")
        if self.name == "records":
            return f"SELECT {names}, unpack(p.body) FROM records r LEFT JOIN payloads p ON p.id = r.id"  # noqa: S608
        return f"SELECT {names} FROM {self.name} r"  # noqa: S608 - our own names

    def place_of(self, column: str) -> int:
        """Position of a column."""
        return self.columns.index(column)


RECORDS: Final = Table("records", (*RECORD_COLUMNS, "payload"), "ts_ns", ("ts_ns", "record_id"))
LEDGER: Final = Table("ledger", LEDGER_COLUMNS, "ts_ns", ("ts_ns", "record_id"))
SESSIONS: Final = Table("sessions", SESSION_COLUMNS, "started_ns", ("session_id", "span_id"))
TABLES: Final = (RECORDS, SESSIONS, LEDGER)
"""In the order in which they are moved."""


def table_of(name: str) -> Table:
    """The table of a name."""
    return next(each for each in TABLES if each.name == name)


def days_of(connection: sqlite3.Connection, table: Table, before_ns: int, since_ns: int = 0) -> list[int]:
    """Days (since the epoch) that have rows and end at or before a time, oldest first; found by leaps in an index."""
    found: list[int] = []
    after = since_ns // DAY_NS * DAY_NS
    ended = " AND ended_ns IS NOT NULL" if table is SESSIONS else ""
    statement = f"SELECT min({table.time}) FROM {table.name} WHERE {table.time} >= ?{ended}"  # noqa: S608
    while True:
        first = connection.execute(statement, (after,)).fetchone()[0]
        if first is None or (first // DAY_NS + 1) * DAY_NS > before_ns:
            return found
        found.append(first // DAY_NS)
        after = (first // DAY_NS + 1) * DAY_NS


def rows_of(connection: sqlite3.Connection, table: Table, day: int) -> Iterator[list[Values]]:
    """Pages of a day's rows in the order of their key; sessions that still run are left out."""
    ended = " AND r.ended_ns IS NOT NULL" if table is SESSIONS else ""
    order, marks = ", ".join(f'r."{name}"' for name in table.order), ", ".join("?" * len(table.order))
    statement = (
        f"{table.source} WHERE ({order}) > ({marks}) AND r.{table.time} < ?{ended} ORDER BY {order} LIMIT {_PAGE}"
    )
    # Bytes come after every text: this is the end of the moment before the day.
    after: tuple[Any, ...] = (day * DAY_NS - 1, *(b"" for _ in table.order[1:]))
    places = [table.place_of(name) for name in table.order]
    while page := [tuple(row) for row in connection.execute(statement, (*after, (day + 1) * DAY_NS))]:
        yield page
        after = tuple(page[-1][place] for place in places)


def remove(connection: sqlite3.Connection, table: Table, rows: Sequence[Values]) -> int:
    """Delete those rows that stand in the store exactly so; returns how many. Call it inside of a transaction."""
    ids: list[Any] = []
    first, second = (table.place_of(each) for each in table.key)
    identity = "r.session_id, r.span_id" if table is SESSIONS else "r.id"
    where = f'r."{table.key[0]}" = ? AND r."{table.key[1]}" = ?'
    statement = table.source.replace("SELECT ", f"SELECT {identity}, ", 1) + f" WHERE {where}"
    width = 2 if table is SESSIONS else 1
    for row in rows:
        found = connection.execute(statement, (row[first], row[second])).fetchone()
        if found is not None and tuple(found[width:]) == tuple(row):
            ids.append(tuple(found[:width]))
    if table is SESSIONS:
        connection.executemany("DELETE FROM sessions WHERE session_id = ? AND span_id = ?", ids)
    elif table is LEDGER and ids:
        hours.delete_rows(connection, [each[0] for each in ids])
    elif ids:
        delete_records(connection, [each[0] for each in ids])
    return len(ids)


def insert(connection: sqlite3.Connection, table: Table, rows: Sequence[Values]) -> None:
    """Put rows into a store; one that is there already is replaced. Call it inside of a transaction."""
    names = [name for name in table.columns if name != "payload"]
    listed, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
    statement = f"INSERT OR REPLACE INTO {table.name} ({listed}) VALUES ({marks})"  # noqa: S608 - our own names
    if table is not RECORDS:
        connection.executemany(statement, rows)
        return
    for row in rows:
        number = connection.execute(statement, row[:-1]).lastrowid
        if row[-1] is not None and number is not None:
            delete_payloads(connection, [number])
            put_payload(connection, number, row[-1])
