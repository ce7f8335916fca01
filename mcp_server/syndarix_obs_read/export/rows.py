"""Records of the store, page by page in the order of arrival: memory does not grow with their number."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from syndarix_obs import vocabulary as v
from syndarix_obs.store.schema import fields

What = Literal["records", "ledger", "decisions"]
Row = dict[str, Any]
Entry = tuple[Row, str | None]
"""The flat fields of a record, and its payload as the JSON text that it is."""
PAGE: Final = 2_000
"""Rows of one question: some milliseconds, so that the write-ahead log can be emptied in between."""

_EQUAL: Final = ("agent", "project", "user", "session_id", "task_type", "service", "environment", "status", "model")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows.

    Args:
        what: records of every kind, lines of the cost ledger, or decisions alone.
        since_ns, until_ns: nanoseconds since the epoch; the end is not included.
        equal: columns and the value that they must have.
    """

    what: What
    since_ns: int
    until_ns: int
    equal: tuple[tuple[str, str], ...] = ()

    def where(self) -> tuple[str, list[Any]]:
        """SQL of the conditions over `r`, and its parameters."""
        unknown = [name for name, _ in self.equal if name not in _EQUAL]
        if unknown:
            raise ValueError(f"no column {unknown[0]!r} to choose by")
        parts = ["r.ts_ns >= ?", "r.ts_ns < ?", *(f'r."{name}" = ?' for name, _ in self.equal)]
        if self.what == "decisions":
            parts.append(f"r.kind = '{v.KIND_DECISION}'")
        return " AND ".join(parts), [self.since_ns, self.until_ns, *(value for _, value in self.equal)]


def count(connection: sqlite3.Connection, choice: Choice) -> int:
    """How many rows there are."""
    where, values = choice.where()
    return int(connection.execute(f"SELECT count(*) FROM {_table(choice)} r WHERE {where}", values).fetchone()[0])


def users(connection: sqlite3.Connection, choice: Choice) -> list[str]:
    """Pseudonyms of everybody who is in the rows."""
    where, values = choice.where()
    statement = f'SELECT DISTINCT r."user" FROM {_table(choice)} r WHERE {where} AND r."user" IS NOT NULL'
    return [str(row[0]) for row in connection.execute(statement, values)]


def pieces(connection: sqlite3.Connection, choice: Choice, size: int) -> list[tuple[int, int]]:
    """Ranges of ids, the first not included, that hold `size` rows each; what comes later is in none of them."""
    where, values = choice.where()
    statement = f"SELECT r.id FROM {_table(choice)} r WHERE {where} AND r.id > ? ORDER BY r.id LIMIT 1 OFFSET ?"
    last = connection.execute(f"SELECT max(r.id) FROM {_table(choice)} r WHERE {where}", values).fetchone()[0]
    found: list[tuple[int, int]] = []
    after = 0
    while last is not None and after < last:
        row = connection.execute(statement, (*values, after, size - 1)).fetchone()
        end = int(last if row is None else row[0])
        found.append((after, end))
        after = end
    return found


def pages(connection: sqlite3.Connection, choice: Choice, after: int) -> Iterator[list[Row]]:
    """Pages of rows whose id is above `after`, payloads among their fields."""
    for found in entries(connection, choice, after):
        yield [row if body is None else {**row, "payload": json.loads(body)} for row, body in found]


def entries(
    connection: sqlite3.Connection, choice: Choice, after: int, last: int = 2**63 - 1
) -> Iterator[list[Entry]]:
    """Pages of entries whose id is above `after` and not above `last`."""
    ledger = choice.what == "ledger"
    make = _ledger if ledger else _record
    names: list[str] = []
    for page in raw_pages(connection, choice, "r.*" if ledger else "unpack(p.body), r.*", after, last, names):
        yield [make(names, row) for row in page]


def raw_pages(
    connection: sqlite3.Connection, choice: Choice, columns: str, after: int, last: int, names: list[str] | None = None
) -> Iterator[list[tuple[Any, ...]]]:
    """Pages of plain tuples, the id first; `names` is filled with the names of their columns."""
    where, values = choice.where()
    join = "" if choice.what == "ledger" else " LEFT JOIN payloads p ON p.id = r.id"
    statement = (
        f"SELECT r.id, {columns} FROM {_table(choice)} r{join} WHERE r.id > ? AND r.id <= ? AND {where}"
        f" ORDER BY r.id LIMIT {PAGE}"
    )
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples: a row by names costs as much as everything else together
    while found := cursor.execute(statement, (after, last, *values)).fetchall():
        after = int(found[-1][0])
        if names is not None:
            names[:] = [column[0] for column in cursor.description]
        yield found


def _table(choice: Choice) -> str:
    return "ledger" if choice.what == "ledger" else "records"


def _record(names: list[str], row: tuple[Any, ...]) -> Entry:
    return fields(dict(zip(names, row, strict=False))), row[1] or None


def _ledger(names: list[str], row: tuple[Any, ...]) -> Entry:
    line: Row = {"kind": v.KIND_COST}
    for name, value in zip(names, row, strict=False):
        if value is not None and name not in ("id", "cost_pico"):
            line["start_ns" if name == "ts_ns" else name] = bool(value) if name in ("priced", "estimated") else value
    return line, None
