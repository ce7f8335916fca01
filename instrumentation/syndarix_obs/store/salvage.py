"""Read what can be read of a damaged table, and step over the rest."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from syndarix_obs.store.database import is_damaged

_CHUNK: Final = 500
_LARGEST_ID: Final = 2**62


class Salvage:
    """The rows of a table that has an `id`, in its order, in chunks.

    Attributes:
        gaps: pairs of ids: from the first on, and before the second, nothing could be read.
    """

    def __init__(self, connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        # Without an index: those are what may be wrong.
        self._select = f"SELECT id, {names} FROM {table} NOT INDEXED WHERE id >= ? ORDER BY id LIMIT ?"
        self._connection = connection
        self.gaps: list[tuple[int, int]] = []

    def chunks(self) -> Iterator[list[tuple[Any, ...]]]:
        """Rows without the leading id, which SQLite counts from 1."""
        position, size = 1, _CHUNK
        while position < _LARGEST_ID:
            rows = self._read(position, size)
            if rows is None and size > 1:
                size //= 2
            elif rows is None:
                position = self._step_over(position)
            elif not rows:
                return
            else:
                yield [tuple(row[1:]) for row in rows if not any(map(_is_blank, row))]
                position, size = rows[-1][0] + 1, min(_CHUNK, size * 2)

    def _step_over(self, start: int) -> int:
        """The first id at or after which something can be read again."""
        step = 1
        while self._read(start + step, 1) is None:
            step *= 2
            if start + step >= _LARGEST_ID:
                self.gaps.append((start, _LARGEST_ID))
                return _LARGEST_ID
        low, high = start + step // 2, start + step  # not readable from low, readable from high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._read(middle, 1) is None else (low, middle)
        self.gaps.append((start, high))
        return high

    def _read(self, position: int, size: int) -> list[Any] | None:
        """None where it is damaged, which may also show in ids that go back: followed, they would never end."""
        try:
            found = self._connection.execute(self._select, (position, size)).fetchall()
            ids = [position - 1, *(row[0] for row in found)]
            return found if all(before < after for before, after in pairwise(ids)) else None
        except sqlite3.DatabaseError as error:
            if is_damaged(error) or not isinstance(error, sqlite3.OperationalError):
                return None
            raise


def _is_blank(value: Any) -> bool:
    """A text of zeros: SQLite reads those behind the end of a file that was cut within a page."""
    return isinstance(value, str) and value != "" and not value.strip("\x00")


def from_both_ends(connection: sqlite3.Connection, table: str, columns: Sequence[str], key: str) -> Iterator[Any]:
    """The rows of a table without `id`, from its beginning and from its end until something cannot be read."""
    names = ", ".join(f'"{name}"' for name in columns)
    for order in ("ASC", "DESC"):
        by = ", ".join(f"{part} {order}" for part in key.split(", "))
        try:
            yield from connection.execute(f"SELECT {names} FROM {table} NOT INDEXED ORDER BY {by}")
        except sqlite3.DatabaseError:
            continue
        return


def counted_by_index(connection: sqlite3.Connection, table: str) -> int | None:
    """How many rows a table should have, by the fullest index that can be read; None without one."""
    indexes = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql NOT LIKE '% WHERE %'", (table,)
    ).fetchall()
    found: list[int] = []
    for (name,) in indexes:
        try:
            statement = f"SELECT count(*) FROM {table} INDEXED BY {name}"
            found.append(int(connection.execute(statement).fetchone()[0]))
        except sqlite3.DatabaseError:
            continue
    return max(found, default=None)
