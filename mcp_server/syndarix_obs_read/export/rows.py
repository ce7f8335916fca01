"""Records of the store as flat dicts, page by page in the order of arrival: memory does not grow with their number."""

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
PAGE: Final = 2_000
"""Rows of one question: some milliseconds, so that the write-ahead log can be emptied in between."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
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


def pages(connection: sqlite3.Connection, choice: Choice, after: int) -> Iterator[tuple[int, list[Row]]]:
    """Pages of rows whose id is above `after`, each with its last id."""
    make = _ledger if choice.what == "ledger" else _record
    for last, found in raw_pages(connection, choice, after):
        yield last, [make(row) for row in found]


def lines(connection: sqlite3.Connection, choice: Choice, after: int) -> Iterator[tuple[int, list[str]]]:
    """The same as lines of JSON: payloads are JSON already, and stay as they are."""
    for last, found in raw_pages(connection, choice, after):
        yield last, [_line(row, choice.what == "ledger") for row in found]


def raw_pages(connection: sqlite3.Connection, choice: Choice, after: int) -> Iterator[tuple[int, list[sqlite3.Row]]]:
    """Pages as they come from the store."""
    where, values = choice.where()
    ledger = choice.what == "ledger"
    columns = "r.*" if ledger else "r.*, unpack(p.body) AS body"
    join = "" if ledger else " LEFT JOIN payloads p ON p.id = r.id"
    statement = (
        f"SELECT {columns} FROM {_table(choice)} r{join} WHERE r.id > ? AND {where}"
        f" ORDER BY r.id LIMIT {PAGE}"
    )
    while found := connection.execute(statement, (after, *values)).fetchall():
        after = int(found[-1]["id"])
        yield after, found


def _table(choice: Choice) -> str:
    return "ledger" if choice.what == "ledger" else "records"


def _record(row: sqlite3.Row) -> Row:
    line = fields(dict(row))
    body = row["body"]
    if body:
        line["payload"] = json.loads(body)
    return line


def _line(row: sqlite3.Row, ledger: bool) -> str:
    if ledger:
        return _encode(_ledger(row))
    body = row["body"]
    head = _encode(fields(dict(row)))
    return f'{head[:-1]},"payload":{body}}}' if body else head


def _ledger(row: sqlite3.Row) -> Row:
    line = {"kind": v.KIND_COST, "start_ns": row["ts_ns"]}
    for name in row.keys():  # noqa: SIM118 - a row iterates over its values
        if name not in ("id", "ts_ns", "cost_pico") and row[name] is not None:
            line[name] = bool(row[name]) if name in ("priced", "estimated") else row[name]
    return line
