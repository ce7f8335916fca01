"""Is the file whole? SQLite's own checks, for a bounded time."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from typing import Final, Literal

_MOST_FAULTS: Final = 20
_OPCODES: Final = 50_000
"""Steps of SQLite's machine between two looks at the clock: well below a millisecond."""

Scope = Literal["none", "pages", "indexes"]


@dataclass(frozen=True, slots=True)
class Integrity:
    """What a check found.

    Attributes:
        faults: in SQLite's words, the first 20; empty when none was found.
        scope: how far it came in its time: `none` of it, all `pages` (quick_check), or also every row in its `indexes`
            (integrity_check).
    """

    faults: tuple[str, ...]
    scope: Scope


def check_integrity(connection: sqlite3.Connection, seconds: float | None = None) -> Integrity:
    """Look at every page, then at every entry of every index, for about `seconds`; None takes as long as it needs.

    Never raises for a file that is damaged: that is a fault.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    if deadline is not None:
        until = deadline
        connection.set_progress_handler(lambda: time.monotonic() > until, _OPCODES)
    try:
        scope: Scope = "none"
        for pragma, reached in (("quick_check", "pages"), ("integrity_check", "indexes")):
            faults = _faults(connection, pragma)
            if faults is None:
                break
            scope = "pages" if reached == "pages" else "indexes"
            if faults:
                return Integrity(faults, scope)
        return Integrity((), scope)
    finally:
        connection.set_progress_handler(None, 0)


def _faults(connection: sqlite3.Connection, pragma: str) -> tuple[str, ...] | None:
    """None when the time ran out."""
    try:
        rows = connection.execute(f"PRAGMA {pragma}({_MOST_FAULTS})").fetchall()
    except sqlite3.OperationalError as error:
        if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF == sqlite3.SQLITE_INTERRUPT:
            return None
        raise
    except sqlite3.DatabaseError as error:
        return (str(error),)
    said = [line for (text,) in (tuple(row) for row in rows) for line in str(text).splitlines()]
    return tuple(line for line in said if line != "ok" and not line.startswith("***"))
