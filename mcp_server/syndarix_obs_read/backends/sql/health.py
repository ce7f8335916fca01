"""How the store and what fills it are doing."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs.store import classes
from syndarix_obs.store.database import is_damaged
from syndarix_obs.store.integrity import check_integrity
from syndarix_obs.store.schema import sign
from syndarix_obs.store.search import indexed_to
from syndarix_obs_read.backends.rows import Check
from syndarix_obs_read.backends.sql.names import extent
from syndarix_obs_read.timerange import SECOND_NS

_LAG_ROWS: Final = 50_000
_WAL_BYTES: Final = 512 * 1024 * 1024
_LATE_NS: Final = 24 * 3_600 * SECOND_NS
_FREE_BYTES: Final = 512 * 1024 * 1024


def checks(connection: sqlite3.Connection, path: Path, stalled_after_s: float) -> list[Check]:
    """One line per part; a part that lies on damaged pages has none."""
    found = list(_file(connection, path))
    parts: tuple[Callable[[], Check], ...] = (
        lambda: _freshness(connection),
        lambda: _index(connection),
        lambda: _running(connection, stalled_after_s),
        lambda: _prices(connection),
        lambda: _retention(connection),
    )
    for part in parts:
        try:
            found.append(part())
        except sqlite3.DatabaseError as error:
            if not is_damaged(error):
                raise
    return found


def whole(connection: sqlite3.Connection, path: Path, check_s: float) -> Check:
    """Whether the file is whole, as far as that can be seen in `check_s` seconds."""
    found = check_integrity(connection, check_s)
    if found.faults:
        more = f", and {len(found.faults) - 1} more" if len(found.faults) > 1 else ""
        return Check(
            name="integrity", state="failing", finding=f"{path} is damaged: {found.faults[0]}{more}",
            mend="run `syndarix-obs doctor --repair`: it rebuilds indexes, or saves what can be read",
        )  # fmt: skip
    said = {
        "indexes": "every page and index is whole",
        "pages": f"every page is whole; indexes were not compared, which takes longer than {check_s:g} s here",
        "none": f"not checked in full: {_bytes(path.stat().st_size)} take longer than the {check_s:g} s that this may",
    }
    return Check(
        name="integrity", state="ok", finding=said[found.scope],
        mend=None if found.scope == "indexes" else "`syndarix-obs doctor --repair` takes the time that it needs",
    )  # fmt: skip


def _file(connection: sqlite3.Connection, path: Path) -> Iterator[Check]:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    size = path.stat().st_size
    with contextlib.suppress(FileNotFoundError):
        waiting = os.stat(f"{path}-wal").st_size
        if waiting > _WAL_BYTES:
            yield Check(
                name="write-ahead log", state="warning", finding=f"{_bytes(waiting)} wait to be merged",
                mend="a reader holds the store open for long: end it, the log shrinks by itself",
            )  # fmt: skip
    yield Check(name="store", state="ok", finding=f"{path}, {_bytes(size)}, schema {version}")
    free = shutil.disk_usage(path.parent).free
    low = free < _FREE_BYTES
    yield Check(
        name="disk", state="warning" if low else "ok", finding=f"{_bytes(free)} free",
        mend="free space, or run `syndarix-obs prune --before 7d`" if low else None,
    )  # fmt: skip


def _freshness(connection: sqlite3.Connection) -> Check:
    ends = extent(connection)
    if ends is None:
        return Check(
            name="records", state="warning", finding="the store is empty",
            mend="run `syndarix-obs demo`, or an agent with ObservabilityPlatform.from_env() and the same "
            "SYNDARIX_OBS_HOME",
        )  # fmt: skip
    count = connection.execute("SELECT count(*) FROM records").fetchone()[0]
    age = max(0, time.time_ns() - ends[1]) / SECOND_NS
    return Check(name="records", state="ok", finding=f"{count:,}, the newest {_age(age)} old")


def _index(connection: sqlite3.Connection) -> Check:
    last = connection.execute("SELECT coalesce(max(id), 0) FROM records").fetchone()[0]
    behind = max(0, last - indexed_to(connection))
    slow = behind > _LAG_ROWS
    return Check(
        name="text index", state="warning" if slow else "ok",
        finding=f"{behind:,} rows behind" if behind else "up to date",
        mend="text searches are slower until it has caught up: writers do so when they are idle" if slow else None,
    )  # fmt: skip


def _running(connection: sqlite3.Connection, stalled_after_s: float) -> Check:
    before = time.time_ns() - int(stalled_after_s * SECOND_NS)
    statement = "SELECT count(*), coalesce(sum(last_progress_ns < ?), 0) FROM sessions WHERE status = ?"
    running, stalled = connection.execute(statement, (before, v.STATUS_RUNNING)).fetchone()
    if stalled:
        return Check(
            name="sessions", state="warning",
            finding=f"{running} running, {stalled} of them without progress for {_age(stalled_after_s)} or more",
            mend="`syndarix-obs sessions --status running` lists them; their processes hang or died",
        )  # fmt: skip
    return Check(name="sessions", state="ok", finding=f"{running} running")


def _prices(connection: sqlite3.Connection) -> Check:
    statement = (
        f"SELECT coalesce(model, 'unknown'), sum({sign('record_id')}) AS calls FROM ledger WHERE NOT priced"
        " GROUP BY 1 HAVING calls > 0 ORDER BY 2 DESC"
    )
    unpriced = connection.execute(statement).fetchall()
    if not unpriced:
        return Check(name="prices", state="ok", finding="every call in the ledger has a price")
    named = ", ".join(row[0] for row in unpriced[:5])
    return Check(
        name="prices", state="warning",
        finding=f"calls without a price: {sum(row[1] for row in unpriced):,}, of {named}",
        mend="give the models a price in the file that SYNDARIX_OBS_PRICES_FILE names",
    )  # fmt: skip


def _retention(connection: sqlite3.Connection) -> Check:
    """What the agents keep to, as the last one noted it; a day is left to them."""
    found = classes.noted(connection)
    if found is None:
        return Check(name="retention", state="ok", finding="no agent has removed anything from this store yet")
    known, at_ns = found
    now_ns = time.time_ns()
    said = ", ".join(f"{rule.project + ': ' if rule.project else ''}{rule.name} {rule.days} d" for rule in known)
    finding = f"{said or 'everything is kept'}; last kept to {_age(max(0, now_ns - at_ns) / SECOND_NS)} ago"
    late = [rule.name for rule in known if classes.too_old(connection, rule, now_ns - _LATE_NS)]
    return Check(
        name="retention", state="warning" if late else "ok",
        finding=f"{finding}; older than that: {', '.join(dict.fromkeys(late))}" if late else finding,
        mend="agents remove it every six hours while they run; or run `syndarix-obs prune --keep` with these days"
        if late else None,
    )  # fmt: skip


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def _age(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
