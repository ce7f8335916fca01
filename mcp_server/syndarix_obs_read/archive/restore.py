"""Days of an archive as an SQLite file again: for questions, and for erasing a person by the rules of the store."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from syndarix_obs.store.database import open_for_write, transaction
from syndarix_obs.store.erase import erase_person
from syndarix_obs.store.tombstones import Tombstones
from syndarix_obs_read.archive import parts
from syndarix_obs_read.archive import tables as t
from syndarix_obs_read.archive.move import WORK
from syndarix_obs_read.archive.place import sha256_of
from syndarix_obs_read.archive.seals import Part, Seals
from syndarix_obs_read.errors import BackendError

_BEGINNING: Final = "open-"


@contextlib.contextmanager
def scratch(home: Path) -> Iterator[Path]:
    """A name for an SQLite file in a folder of its own that only this account can read; deleted afterwards."""
    folder = home / WORK
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f"{_BEGINNING}{os.getpid()}-") as name:
        yield Path(name) / "days.sqlite3"


def left_over(home: Path) -> list[Path]:
    """Folders of processes that are no longer there."""
    return [each for each in (home / WORK).glob(f"{_BEGINNING}*") if not _is_alive(each.name.split("-")[1])]


def put_back_part(connection: sqlite3.Connection, seals: Seals, part: Part) -> int:
    """Put the rows of one file into a store; returns how many.

    Raises:
        BackendError: it is missing, or its bytes are not those that were sealed.
    """
    table, count = t.table_of(part.table), 0
    with _sealed_file(seals, part) as path:
        for batch in parts.read(path, table):
            with transaction(connection):
                t.insert(connection, table, batch)
            count += len(batch)
    return count


def copy_day(connection: sqlite3.Connection, store: sqlite3.Connection, table: t.Table, day: int) -> None:
    """Put the rows of a day that are still in the store beside them, sessions that still run included."""
    for page in t.rows_of(store, table, day):
        with transaction(connection):
            t.insert(connection, table, page)
    if table is t.SESSIONS:
        names = ", ".join(f'"{name}"' for name in table.columns)
        running = f"SELECT {names} FROM sessions WHERE ended_ns IS NULL AND started_ns >= ? AND started_ns < ?"  # noqa: S608
        with transaction(connection):
            t.insert(connection, table, store.execute(running, (day * t.DAY_NS, (day + 1) * t.DAY_NS)).fetchall())


def erase_erased(connection: sqlite3.Connection, home: Path) -> None:
    """Who has a tombstone stays erased, also when an older archive was put back."""
    users = [row[0] for row in connection.execute(
        'SELECT "user" FROM records WHERE "user" IS NOT NULL UNION SELECT "user" FROM ledger WHERE "user" IS NOT NULL'
        ' UNION SELECT "user" FROM sessions WHERE "user" IS NOT NULL'
    )]  # fmt: skip
    for pseudonym in Tombstones(home).among(users):
        erase_person(connection, pseudonym)


def days_with(seals: Seals, days: Collection[int], name: str, value: str, *, beginning: bool = False) -> set[int]:
    """Those of some days that have a row with a value, such as a trace; or with a value that begins so."""
    found = set()
    for day in days:
        for part in seals.parts(day):
            with _sealed_file(seals, part, check=False) as path:
                values = (row[0] or "" for row in parts.column(path, name))
                if any(each.startswith(value) if beginning else each == value for each in values):
                    found.add(day)
    return found


@contextlib.contextmanager
def opened_scratch(home: Path) -> Iterator[sqlite3.Connection]:
    """A store of its own, for one file."""
    with scratch(home) as path, contextlib.closing(open_for_write(path)) as connection:
        yield connection


@contextlib.contextmanager
def _sealed_file(seals: Seals, part: Part, *, check: bool = True) -> Iterator[Path]:
    try:
        with seals.place.local(part.name) as path:
            if check and sha256_of(path) != part.sha256:
                raise BackendError(
                    f"{part.name} in {seals.place.address} is not what was sealed; `syndarix-obs archive --verify` "
                    "lists what was changed"
                )
            yield path
    except FileNotFoundError:
        raise BackendError(f"{part.name} is missing in {seals.place.address}") from None


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except OSError:
        return True
    return True
