"""Finished days leave the store for the archive: written, read back, sealed, and only then removed.

Killed at any point, the next run goes on: a file without a seal is written anew, and rows that are sealed but not yet
removed are compared with the file and removed.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from syndarix_obs.store.database import transaction
from syndarix_obs_read.archive import parts
from syndarix_obs_read.archive import tables as t
from syndarix_obs_read.archive.place import ArchivePlace, sha256_of
from syndarix_obs_read.archive.seals import Part, Seals, note, text_of
from syndarix_obs_read.errors import BackendError

WORK: Final = "archive-work"
"""Folder in the home folder: the lock, drafts, and days that were put back for a question."""
_STEP: Final = 200
_WAIT_S: Final = 30.0
Tell = Callable[[str, int], None]


@dataclass(slots=True)
class Moved:
    """What a run did: days touched, rows written and rows removed from the store, and days that were too old."""

    days: int = 0
    written: int = 0
    removed: int = 0
    unequal: int = 0
    expired: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in nanoseconds since the epoch: what ended before goes. None keeps it where it is.

    Args:
        before_ns: of records and sessions.
        ledger_before_ns: of the cost ledger.
        expire_before_ns: of the archive itself.
    """

    before_ns: int | None = None
    ledger_before_ns: int | None = None
    expire_before_ns: int | None = None

    def of(self, table: t.Table) -> int | None:
        """The one that counts for a table."""
        return self.ledger_before_ns if table is t.LEDGER else self.before_ns


def archive(
    home: Path,
    connection: sqlite3.Connection,
    place: ArchivePlace,
    limits: Limits,
    *,
    rows_per_file: int = parts.ROWS_PER_FILE,
    tell: Tell = lambda _day, _rows: None,
) -> Moved:
    """Move finished days, then let days of the archive go that are too old.

    Args:
        home: the home folder, whose key seals.
        connection: of the store, from `database.open_for_write`.
        place: where to.
        limits: what is old enough.
        rows_per_file: rows of one file.
        tell: told each day and how many rows of it were written.

    Raises:
        BackendError: the archive does not answer, or gives back other bytes than it was given: nothing was removed.
        sqlite3.Error: the store is locked for long, full or damaged.
    """
    parts.arrow()
    note(home, place.address)
    seals, moved = Seals(home, place), Moved()
    with alone(home):
        drop_unsealed(seals)
    touched: set[int] = set()
    for table in t.TABLES:
        before = limits.of(table)
        for day in [] if before is None else t.days_of(connection, table, before):
            with alone(home):
                written = _move(connection, seals, table, day, moved, rows_per_file)
            touched.add(day)
            tell(text_of(day), written)
    moved.days = len(touched)
    if limits.expire_before_ns is not None:
        for day in [each for each in seals.days() if (each + 1) * t.DAY_NS <= limits.expire_before_ns]:
            with alone(home):
                seals.drop(day)
            moved.expired += 1
    return moved


def preview(connection: sqlite3.Connection, limits: Limits) -> dict[str, int]:
    """Rows of finished days that a run would move, by table; changes nothing."""
    found = {}
    for table in t.TABLES:
        before = limits.of(table)
        days = [] if before is None else t.days_of(connection, table, before)
        found[table.name] = sum(len(page) for day in days for page in t.rows_of(connection, table, day))
    return found


def _move(
    connection: sqlite3.Connection, seals: Seals, table: t.Table, day: int, moved: Moved, rows_per_file: int
) -> int:
    known = seals.parts(day)
    for part in (each for each in known if each.table == table.name):
        _remove(connection, seals.place, table, part, moved)
    new = list(_written(connection, seals.place, table, day, known, rows_per_file))
    if new:
        seals.save(day, [*known, *new])
    for part in new:
        moved.written += part.rows
        moved.unequal += part.rows - _remove(connection, seals.place, table, part, moved)
    return sum(part.rows for part in new)


def _written(
    connection: sqlite3.Connection, place: ArchivePlace, table: t.Table, day: int, known: list[Part], rows: int
) -> Iterator[Part]:
    """The day's rows in new files, each read back from where it lies now."""
    pages = t.rows_of(connection, table, day)
    number = sum(each.table == table.name for each in known)
    for page in pages:
        number += 1
        name = f"{table.name}/day={text_of(day)}/part-{number:06d}.parquet"
        yield store(place, table, name, _first(page, pages), rows)


def store(place: ArchivePlace, table: t.Table, name: str, pages: Iterator[list[t.Values]], most: int) -> Part:
    """Write up to `most` rows to a file of the archive, and read its bytes back.

    Raises:
        BackendError: the archive gives back other bytes than it was given.
    """
    with place.draft() as draft:
        count = parts.write(draft, table, pages, most)
        size, digest = draft.stat().st_size, sha256_of(draft)
        place.put(draft, name)
    if place.sha256(name) != digest:
        raise BackendError(f"{name} in {place.address} reads back otherwise than it was written: nothing was removed")
    return Part(table.name, name, count, size, digest)


def _first(page: list[t.Values], rest: Iterator[list[t.Values]]) -> Iterator[list[t.Values]]:
    yield page
    yield from rest


def _remove(connection: sqlite3.Connection, place: ArchivePlace, table: t.Table, part: Part, moved: Moved) -> int:
    """Remove from the store what the file holds, each row only if it is equal in both."""
    removed = 0
    with place.local(part.name) as path:
        for batch in parts.read(path, table):
            for start in range(0, len(batch), _STEP):
                with transaction(connection, _WAIT_S):
                    removed += t.remove(connection, table, batch[start : start + _STEP])
    moved.removed += removed
    return removed


def drop_unsealed(seals: Seals) -> None:
    """Delete files that no seal names: of a run that was killed before it sealed, or after it had written one anew."""
    sealed = {part.name for day in seals.days() for part in seals.parts(day)}
    for table in t.TABLES:
        for name in seals.place.names(table.name):
            if name not in sealed:
                seals.place.delete(name)


@contextlib.contextmanager
def alone(home: Path) -> Iterator[None]:
    """Be the only one that changes archives of this home folder, waiting for another.

    Moving a day and erasing in the archive exclude each other: else a person could be written to it behind the erasure.
    """
    folder = home / WORK
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(folder / "lock", "a", encoding="ascii") as file:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
