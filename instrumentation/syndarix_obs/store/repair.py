"""Mend a damaged store: rebuild its indexes, or copy what can be read into a new file and keep the old one."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from syndarix_obs.errors import StoreCorrupt, StoreError
from syndarix_obs.store.database import is_busy, open_for_write, transaction
from syndarix_obs.store.file_check import check
from syndarix_obs.store.filesystem import refuse_network
from syndarix_obs.store.integrity import check_integrity
from syndarix_obs.store.salvage import Salvage, counted_by_index, from_both_ends
from syndarix_obs.store.schema import APPLICATION_ID

_WAIT_S: Final = 30.0
_WITH_ID: Final = ("records", "contents", "payloads", "ledger")
_TABLES: Final = (*_WITH_ID, "sessions")


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was found and done.

    Attributes:
        how: `whole`: there was nothing to mend; `indexes`: they were rebuilt, no row was lost; `copied`: what can be
            read stands in a new file.
        faults: in SQLite's words, the first 20.
        kept, lost: rows by table, for `copied`; a lost number is None where it cannot be told.
        old_file: where the damaged file lies now, for `copied`.
    """

    how: Literal["whole", "indexes", "copied"]
    faults: tuple[str, ...] = ()
    kept: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, int | None] = field(default_factory=dict)
    old_file: Path | None = None


def repair(path: Path) -> Repaired:
    """Check a store in full and mend what is wrong.

    Rebuilding indexes works while others write. A copy needs the file for itself.

    Raises:
        StoreError: there is no store, or other processes have it open.
        StoreCorrupt: nothing can be saved: it is not a store, or not even its list of tables can be read.
        StoreTooNew: a newer version wrote it.
    """
    refuse_network(path)
    if not path.exists() or not path.stat().st_size:
        raise StoreError(f"no store at {path}: SYNDARIX_OBS_HOME says where it is")
    with contextlib.closing(_open(path)) as connection:
        faults = (*check_integrity(connection).faults, *_text_index_faults(connection))
        if not faults:
            check(path)
            return Repaired("whole")
        if _rebuild(connection):
            return Repaired("indexes", faults)
        return _copy(connection, path, faults)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=1.0, isolation_level=None)
    try:
        connection.execute("PRAGMA writable_schema = ON")  # else a file that was cut short is not read at all
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreCorrupt(f"{path} is not a store of syndarix-obs: nothing was changed")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        connection.close()
        if is_busy(error):
            raise _in_use(path) from error
        raise StoreCorrupt(
            f"nothing of {path} can be saved: {error}. Move it away: a new store is made"
        ) from error
    except StoreCorrupt:
        connection.close()
        raise
    return connection


def _text_index_faults(connection: sqlite3.Connection) -> tuple[str, ...]:
    try:
        connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")
    except sqlite3.DatabaseError as error:
        return () if is_busy(error) else (f"text index: {error}",)
    return ()


def _rebuild(connection: sqlite3.Connection) -> bool:
    """Every index anew, the text index by idle writers later; False, and nothing changed, if that is no help."""
    try:
        with transaction(connection, _WAIT_S):
            connection.execute("REINDEX")
            if _text_index_faults(connection):
                connection.execute("INSERT INTO search (search) VALUES ('delete-all')")
                connection.execute("UPDATE meta SET value = 0 WHERE key = 'indexed_to'")
            if check_integrity(connection).faults:
                raise sqlite3.DatabaseError("more than the indexes is damaged")
    except sqlite3.DatabaseError as error:
        if is_busy(error):
            raise
        return False
    return True


def _copy(connection: sqlite3.Connection, path: Path, faults: tuple[str, ...]) -> Repaired:
    _have_alone(connection, path)
    new = path.with_name(f"{path.name}.repaired")
    for suffix in ("", "-wal", "-shm"):
        Path(f"{new}{suffix}").unlink(missing_ok=True)
    kept: dict[str, int] = {}
    lost: dict[str, int | None] = {}
    with contextlib.closing(open_for_write(new)) as target:
        for table in _TABLES:
            kept[table], lost[table] = _copy_table(connection, target, table)
    old = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}")
    _put_in_place(path, new, old)
    return Repaired("copied", faults, kept, lost, old)


def _have_alone(connection: sqlite3.Connection, path: Path) -> None:
    """Merge the log, and keep everybody else out; a log that cannot be merged goes aside with the file."""
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        if is_busy(error):
            raise _in_use(path) from error


def _copy_table(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> tuple[int, int | None]:
    """How many rows are kept, and how many are lost."""
    there = {row[1] for row in source.execute(f"PRAGMA table_info({table})")}
    columns = [row[1] for row in target.execute(f"PRAGMA table_info({table})") if row[1] in there]
    if not columns:
        return 0, 0 if table == "contents" and not there else None  # older stores have none
    names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
    insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"
    if table == "sessions":
        with transaction(target):
            target.executemany(insert, from_both_ends(source, table, columns, "session_id, span_id"))
        gaps: list[tuple[int, int]] = []
    else:
        salvage = Salvage(source, table, columns)
        for rows in salvage.chunks():
            with transaction(target):
                target.executemany(insert, rows)
        gaps = salvage.gaps
    kept = int(target.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    return kept, _lost(source, target, table, kept, gaps)


def _lost(source: Any, target: sqlite3.Connection, table: str, kept: int, gaps: list[tuple[int, int]]) -> int | None:
    if table == "payloads":  # it has no index; nearly every record has one
        statement = "SELECT count(*) FROM records WHERE id >= ? AND id < ?"
        return sum(int(target.execute(statement, gap).fetchone()[0]) for gap in gaps)
    expected = counted_by_index(source, table)
    if expected is None:
        return 0 if not gaps and table != "sessions" else None
    return max(0, expected - kept)


def _put_in_place(path: Path, new: Path, old: Path) -> None:
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{path}{suffix}", f"{old}{suffix}")
    os.link(path, old)  # first, so that there is a store at every moment
    os.rename(new, path)


def _in_use(path: Path) -> StoreError:
    return StoreError(
        f"the store {path} is in use, and its rows can only be copied while it is not: end the agents, explorers and "
        "MCP servers that have it open, then run `syndarix-obs doctor --repair` again"
    )
