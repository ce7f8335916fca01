"""Text search: the part of the text index that is built, and a look at the rows that it does not reach yet.

Putting 2 KB into the index costs about five times as much as storing it, so rows are stored without and
the index follows:
`catch_up` runs when a writer is idle and when a reader asks. A line can be found at once all the same,
            because
`find` reads what is above the mark. A text is found as it stands, anywhere, in any case; nothing in it is
            an operator.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from syndarix_obs.store.database import is_busy, transaction
from syndarix_obs.store.schema import SEARCH_COLUMNS, SEARCH_TEXT

_ROWS_PER_STEP: Final = 100
_BYTES_PER_STEP: Final = 200_000
"""With the rows a bound of about 20 ms on one step, for which other writers wait."""
_TRIGRAMS: Final = 16
_LONGEST_LIKE: Final = 1000
_FROM: Final = "records r LEFT JOIN payloads p ON p.id = r.id"


def find(
    connection: sqlite3.Connection,
    text: str,
    *,
    columns: str = "r.*",
    where: str = "1",
    parameters: Sequence[Any] = (),
    limit: int = 100,
) -> list[Any]:
    """Rows whose name, error or payload contains `text`, the last stored first.

    Args:
        text: what to look for, taken literally; letters match in upper and lower case.
        columns: SQL of the columns wanted, over `records r` and `payloads p`.
        where: SQL of further conditions over the same, with `?` for each of `parameters`.
        limit: most rows to return.
    """
    mark = indexed_to(connection)
    needles = _needles(text)
    check, values = _check(needles)
    rest = f"{where} AND {check} ORDER BY r.id DESC LIMIT ?"
    above = f"SELECT {columns} FROM {_FROM} WHERE r.id > ? AND {rest}"
    rows = connection.execute(above, (mark, *parameters, *values, limit)).fetchall()
    if len(rows) < limit:
        below, bound = _indexed(columns, rest, needles, mark)
        rows += connection.execute(below, (*bound, *parameters, *values, limit - len(rows))).fetchall()
    return rows


def catch_up(connection: sqlite3.Connection, seconds: float) -> bool:
    """Index rows that are not yet, oldest first, for about `seconds`; True when none is left.

    Works in short transactions on a connection from `database.open_for_write`; several processes may do it
    at once.

    Raises:
        sqlite3.Error: the store is full or damaged; what was indexed stays.
    """
    deadline = time.monotonic() + seconds
    try:
        while _step(connection):
            if time.monotonic() >= deadline:
                return False
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        return False  # a writer is at work, and it comes first
    return True


def indexed_to(connection: sqlite3.Connection) -> int:
    """The highest `records.id` that is in the index."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'indexed_to'").fetchone()
    return int(row[0])


def _step(connection: sqlite3.Connection) -> bool:
    """Index the next few rows; False when there are none."""
    if not _pending(connection, indexed_to(connection)):
        return False
    with transaction(connection):
        mark = indexed_to(connection)  # again, under the lock
        last = _pending(connection, mark)
        if last:
            connection.execute(
                f"INSERT INTO search (rowid, text) SELECT r.id, {SEARCH_TEXT} FROM {_FROM}"
                " WHERE r.id > ? AND r.id <= ?",
                (mark, last),
            )
            connection.execute("UPDATE meta SET value = ? WHERE key = 'indexed_to'", (last,))
    return last is not None


def _pending(connection: sqlite3.Connection, mark: int) -> int | None:
    """The last id of the next step, None when everything is indexed."""
    statement = f"SELECT r.id, coalesce(p.bytes, 0) FROM {_FROM} WHERE r.id > ? ORDER BY r.id LIMIT ?"
    last, total = None, 0
    for row in connection.execute(statement, (mark, _ROWS_PER_STEP)).fetchall():
        last, total = int(row[0]), total + int(row[1])
        if total >= _BYTES_PER_STEP:
            break
    return last


def _needles(text: str) -> list[str]:
    """The text as it stands in a column, and as it stands inside a JSON string (quotes and line breaks
    escaped)."""
    text = text.encode(errors="replace").decode()
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    forms = dict.fromkeys((text, escaped, json.dumps(escaped, ensure_ascii=False)[1:-1]))
    return [form for form in forms if "\x00" not in form]  # a NUL never stands in a column as it is


def _check(needles: list[str]) -> tuple[str, list[str]]:
    """SQL that is true when the text of a row contains one of the needles, and its parameters."""
    # A line break also stands between the columns of the text, where it is nobody's.
    texts = SEARCH_COLUMNS if any("\n" in needle for needle in needles) else (SEARCH_TEXT,)
    if all(needle.isascii() and len(needle) <= _LONGEST_LIKE for needle in needles):
        conditions, values = [f"({text}) LIKE ? ESCAPE '\\'" for text in texts], [f"%{_like(n)}%" for n in needles]
    else:
        conditions, values = [f"contains({text}, ?)" for text in texts], needles
    return f"({' OR '.join(conditions * len(needles))})", [value for value in values for _ in texts]


def _like(needle: str) -> str:
    return needle.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("\x00", "_")


def _indexed(columns: str, rest: str, needles: list[str], mark: int) -> tuple[str, list[Any]]:
    """The statement over indexed rows: through the index, or, for less than three characters, row by row."""
    expression = _match(needles)
    if expression is None:
        return f"SELECT {columns} FROM {_FROM} WHERE r.id <= ? AND {rest}", [mark]
    tables = "search CROSS JOIN records r ON r.id = search.rowid LEFT JOIN payloads p ON p.id = r.id"
    # Ordered by its own id the index delivers in order, and the limit stops it early.
    through = rest.replace("ORDER BY r.id", "ORDER BY search.rowid")
    condition = f"search MATCH ? AND search.rowid <= ? AND {through}"
    return f"SELECT {columns} FROM {tables} WHERE {condition}", [expression, mark]


def _match(needles: list[str]) -> str | None:
    alternatives = [" AND ".join(_quoted(needle)) for needle in needles]
    return " OR ".join(f"({each})" for each in alternatives) if all(alternatives) else None


def _quoted(needle: str) -> Iterator[str]:
    """Some trigrams of the needle, spread evenly, as FTS5 strings. Enough narrow the rows down; all are
    checked after."""
    usable = [needle[i : i + 3] for i in range(len(needle) - 2) if "\x00" not in needle[i : i + 3]]
    distinct = list(dict.fromkeys(usable))
    step = max(1, -(-len(distinct) // _TRIGRAMS))
    return ('"' + gram.replace('"', '""') + '"' for gram in distinct[::step])
