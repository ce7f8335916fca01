"""Finished days of Loki as archived days: read into a store of their own, then moved as those of the SQLite file are.

Nothing leaves Loki: its own retention, or `prune` by class, removes lines. A day is archived once, when it has been
over for as long as lines may be late; killed in the middle, it is read again, and what its files hold already is not
written twice. Plain spans are in Tempo alone and are not archived.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.store.database import transaction
from syndarix_obs.store.schema import RECORD_COLUMNS
from syndarix_obs_read.archive import move, restore
from syndarix_obs_read.archive import tables as t
from syndarix_obs_read.archive.place import ArchivePlace
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.backends.sql.scratch import ledger_row, record_row, session_row
from syndarix_obs_read.backends.stack.time_bounds import LATE_NS
from syndarix_obs_read.export import stack
from syndarix_obs_read.export.rows import Choice, What
from syndarix_obs_read.settings import ReadSettings

_DONE: Final = "days-of-loki.jsonl"
"""Name of the file in the folder of work that says which days are archived."""
_NOT_EXTRA: Final = frozenset({*RECORD_COLUMNS, "kind", "start_ns", "duration_ms"})
_EXTRA: Final = RECORD_COLUMNS.index("extra")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


def archive(
    settings: ReadSettings, place: ArchivePlace, limits: move.Limits, *, now_ns: int | None = None,
    tell: move.Tell = lambda _day, _rows: None,
) -> move.Moved:  # fmt: skip
    """Archive the days of Loki that are over, each read back and sealed.

    Args:
        settings: where Loki is, and for how many days it keeps lines.
        place: where to.
        limits: what is old enough; what the archive itself lets go.
        now_ns: the present, nanoseconds since the epoch.
        tell: told each day and how many rows of a table of it were written.

    Raises:
        BackendError: Loki does not answer, or the archive gives back other bytes than it was given.
    """
    total = move.Moved()
    for day in days(settings, place, limits, time.time_ns() if now_ns is None else now_ns):
        with restore.opened_scratch(settings.home) as connection:
            _fill(settings, connection, day, with_ledger=limits.ledger_before_ns is not None)
            restore.erase_erased(connection, settings.home)  # Loki deletes late
            end = (day + 1) * t.DAY_NS
            own = move.Limits(limits.of(t.RECORDS) and end, limits.of(t.LEDGER) and end)
            moved = move.archive(settings.home, connection, place, own, tell=tell)
        _note(settings.home, place, day, limits)
        total.days += moved.days
        total.written += moved.written
    if limits.expire_before_ns is not None:
        with restore.opened_scratch(settings.home) as empty:
            expiry = move.Limits(expire_before_ns=limits.expire_before_ns)
            total.expired = move.archive(settings.home, empty, place, expiry).expired
    return total


def days(settings: ReadSettings, place: ArchivePlace, limits: move.Limits, now_ns: int) -> list[int]:
    """Days (since the epoch) that are over, still in Loki as a whole, and not archived yet."""
    known = _noted(settings.home, place, limits)
    before = max(each for each in (limits.before_ns, limits.ledger_before_ns, 0) if each is not None)
    first = (now_ns - settings.retention_days * t.DAY_NS) // t.DAY_NS + 1
    last = min(before, now_ns - LATE_NS) // t.DAY_NS
    return [day for day in range(first, last) if day not in known]


def _noted(home: Path, place: ArchivePlace, limits: move.Limits) -> set[int]:
    """Days that were archived whole."""
    path = home / move.WORK / _DONE
    if not path.exists():
        return set()
    noted = [entry for line in path.read_text("utf-8").splitlines() if (entry := _entry(line)) is not None]
    wanted = set(_tables(limits))
    return {each["day"] for each in noted if each["to"] == place.address and wanted <= set(each["tables"])}


def _entry(line: str) -> dict[str, Any] | None:
    """None for what a killed process left of a line: that day is archived once more."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.keys() >= {"to", "day", "tables"} else None


def _note(home: Path, place: ArchivePlace, day: int, limits: move.Limits) -> None:
    with (home / move.WORK / _DONE).open("a", encoding="utf-8") as file:
        # A new line first: the one before may have been cut short.
        file.write("\n" + json.dumps({"to": place.address, "day": day, "tables": _tables(limits)}) + "\n")


def _tables(limits: move.Limits) -> list[str]:
    return [table.name for table in t.TABLES if limits.of(table) is not None]


def _fill(settings: ReadSettings, connection: sqlite3.Connection, day: int, *, with_ledger: bool) -> None:
    """Put a day's lines into a store."""
    for page in _found(settings, day, "records"):
        told = [each for each in page if each.kind != v.KIND_COST]
        _insert(connection, t.RECORDS, map(_row, told))
        _insert(connection, t.SESSIONS, (session_row(each) for each in told if each.kind == v.KIND_SESSION))
    for page in _found(settings, day, "ledger") if with_ledger else ():
        _insert(connection, t.LEDGER, (ledger_row(each.data) for each in page if each.kind == v.KIND_COST))


def _found(settings: ReadSettings, day: int, what: What) -> Iterator[list[StoredRecord]]:
    choice = Choice(what, day * t.DAY_NS, (day + 1) * t.DAY_NS)
    for after, last in stack.pieces(settings, choice):
        yield from stack.records(settings, choice, after, last)


def _insert(connection: sqlite3.Connection, table: t.Table, rows: Iterable[Iterable[Any]]) -> None:
    with transaction(connection):
        t.insert(connection, table, [tuple(row) for row in rows])


def _row(found: StoredRecord) -> list[Any]:
    """The columns of an archived record, its payload last."""
    row = record_row(found)
    extra = {name: value for name, value in found.data.items() if name not in _NOT_EXTRA}
    row[_EXTRA] = _encode(extra) if extra else None
    return [*row, _encode(found.payload) if found.payload else None]
