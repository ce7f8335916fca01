"""Costs by any combination of dimensions."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Final

from syndarix_obs.store.schema import HOUR_NS
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import DIMENSIONS, LEDGER_KEYS, PROMPT_SIZES, CostRow, LedgerKey
from syndarix_obs_read.backends.sql.lines import by_hour
from syndarix_obs_read.backends.sql.records import of_ledger
from syndarix_obs_read.backends.sql.sums import bound_by_traces, costs
from syndarix_obs_read.errors import FilterError

_PROMPT: Final = "abs(l.tokens_input + l.tokens_cache_read + l.tokens_cache_write)"
_SIZES: Final = " ".join(f"WHEN {_PROMPT} > {size} THEN '{size}'" for size in sorted(PROMPT_SIZES[1:], reverse=True))

WORKED_OUT: Final[Mapping[str, str]] = {
    "day": "day(l.ts_ns, ?)",
    "hour": f"CAST(l.ts_ns / {HOUR_NS} AS TEXT)",
    "is_estimated": "CAST(l.estimated AS TEXT)",
    "is_priced": "CAST(l.priced AS TEXT)",
    "prompt_size": f"CASE {_SIZES} ELSE '0' END",
}
"""Keys that are no column as it is, and their SQL. A line that takes another back has its size, below zero."""


def grouped(connection: sqlite3.Connection, where: Filter, by: Sequence[LedgerKey], zone: tzinfo) -> list[CostRow]:
    """One row per combination, the first dimension's values in order."""
    wrong = [name for name in by if name not in LEDGER_KEYS]
    if wrong:
        raise FilterError(f"costs cannot be grouped by {', '.join(wrong)}; possible: {', '.join(DIMENSIONS)}")
    keys = [f"{WORKED_OUT[name]} AS {name}" if name in WORKED_OUT else f'l."{name}" AS "{name}"' for name in by]
    zone_name = "UTC" if zone is UTC else str(zone)
    values = [zone_name for name in by if name == "day"]
    conditions = of_ledger(where, "costs")
    if where.trace_id is not None:
        bound_by_traces(connection, [where.trace_id], conditions)
    found = costs(connection, conditions, keys, values, quick=by_hour(connection, where, by, zone_name))
    return [CostRow(key=key, tokens=tokens, cost=cost) for key, tokens, cost in found]
