"""Sums of the ledger by the hour, so that a month of costs is read in milliseconds, however many calls it had.

The table `ledger_hours` follows the ledger: rows up to `meta.summed_to` are in it, and readers add the few above. Like
the text index it grows when a writer is idle, so that storing a call costs nothing more. Rows are summed in steps that
append and never change what is there, so that a late row, or a row that comes twice, needs no care. Users, sessions and
traces are not in it: questions about them read the ledger itself.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Any, Final

from syndarix_obs.store.database import is_busy, transaction
from syndarix_obs.store.schema import HOUR_COLUMNS, HOUR_KEYS, HOUR_NS, sign

ROWS_PER_STEP: Final = 5_000
"""Rows of the ledger that become sums together: some 10 ms, for which other writers wait. Smaller steps would leave
hardly fewer rows than they read, so fewer rows than these are left to the readers."""

_LARGEST: Final = 10**15
"""What one row may weigh (1,000 dollars, 10^15 tokens) so that no sum of a step can overflow. A call beyond it is
counted in `beyond`, and readers that meet one read the ledger itself."""
_TOKENS: Final = tuple(name for name in HOUR_COLUMNS if name.startswith("tokens_"))
_HEAVY: Final = (
    f"(priced AND cost_pico IS NULL OR max(abs(ifnull(cost_pico, 0)), {', '.join(f'abs({n})' for n in _TOKENS)})"
    f" > {_LARGEST})"
)


_SIGN: Final = sign("record_id")


def _sum(value: str, condition: str = "1") -> str:
    return f"ifnull(sum(CASE WHEN {condition} AND NOT {_HEAVY} THEN {value} END), 0)"


_SUMS: Final = (
    f"sum({_SIGN})", f"sum({_SIGN} * (estimated AND priced))", f"sum({_SIGN} * (NOT priced))", f"sum({_HEAVY})",
    _sum("cost_pico", "NOT estimated"), _sum("cost_pico", "estimated"), *(_sum(name) for name in _TOKENS),
)  # fmt: skip
_KEYS: Final = ", ".join(HOUR_KEYS)


def _insert(sign: str, chosen: str) -> str:
    sums = ", ".join(sign + each for each in _SUMS)
    return (
        f"INSERT INTO ledger_hours ({', '.join(HOUR_COLUMNS)})"
        f" SELECT ts_ns - ts_ns % {HOUR_NS}, {_KEYS}, {sums} FROM ledger WHERE {chosen}"
        f" GROUP BY ts_ns / {HOUR_NS}, {_KEYS}"
    )


_ADD: Final = _insert("", "id > ? AND id <= ?")


def summed_to(connection: sqlite3.Connection) -> int:
    """The highest `ledger.id` that is in the sums."""
    return int(connection.execute("SELECT value FROM meta WHERE key = 'summed_to'").fetchone()[0])


def catch_up(connection: sqlite3.Connection, seconds: float, rows: int = ROWS_PER_STEP) -> bool:
    """Sum rows that are not yet, oldest first, for about `seconds`; True when less than a step is left.

    Works in short transactions on a connection from `database.open_for_write`; several processes may do it at once.

    Raises:
        sqlite3.Error: the store is full or damaged; what was summed stays.
    """
    deadline = time.monotonic() + seconds
    try:
        while _end_of_step(connection, rows):
            _add_step(connection, rows)
            if time.monotonic() >= deadline:
                return _end_of_step(connection, rows) is None
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        return False  # a writer is at work, and it comes first
    return True


def _end_of_step(connection: sqlite3.Connection, rows: int) -> int | None:
    """The last id of the next step, None when fewer rows wait."""
    statement = "SELECT id FROM ledger WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?"
    found = connection.execute(statement, (summed_to(connection), rows - 1)).fetchone()
    return None if found is None else int(found[0])


def _add_step(connection: sqlite3.Connection, rows: int) -> None:
    with transaction(connection):
        last = _end_of_step(connection, rows)  # again, under the lock
        if last is not None:
            connection.execute(_ADD, (summed_to(connection), last))
            connection.execute("UPDATE meta SET value = ? WHERE key = 'summed_to'", (last,))


def delete_rows(connection: sqlite3.Connection, ids: Sequence[Any]) -> None:
    """Delete rows of the ledger, from the sums too. Call it inside of a transaction."""
    marks = ", ".join("?" * len(ids))
    subtract = _insert("-", f"id <= ? AND id IN ({marks})")
    connection.execute(subtract, (summed_to(connection), *ids))
    connection.execute(f"DELETE FROM ledger WHERE id IN ({marks})", ids)
    # The highest ids may be given out again: what comes then has to be summed.
    connection.execute(
        "UPDATE meta SET value = min(value, (SELECT coalesce(max(id), 0) FROM ledger)) WHERE key = 'summed_to'"
    )


def forget_before(connection: sqlite3.Connection, before_ns: int) -> None:
    """Drop the sums of hours that ended before a time, once all their rows are deleted."""
    connection.execute("DELETE FROM ledger_hours WHERE hour_ns + ? <= ?", (HOUR_NS, before_ns))
