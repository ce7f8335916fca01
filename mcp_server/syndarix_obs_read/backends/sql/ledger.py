"""Costs by any combination of dimensions."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, tzinfo

from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import DIMENSIONS, CostRow, Dimension
from syndarix_obs_read.backends.sql.lines import by_hour
from syndarix_obs_read.backends.sql.records import of_ledger
from syndarix_obs_read.backends.sql.sums import bound_by_traces, costs
from syndarix_obs_read.errors import FilterError


def grouped(connection: sqlite3.Connection, where: Filter, by: Sequence[Dimension], zone: tzinfo) -> list[CostRow]:
    """One row per combination, the first dimension's values in order."""
    wrong = [name for name in by if name not in DIMENSIONS]
    if wrong:
        raise FilterError(f"costs cannot be grouped by {', '.join(wrong)}; possible: {', '.join(DIMENSIONS)}")
    keys = ["day(l.ts_ns, ?) AS day" if name == "day" else f'l."{name}" AS "{name}"' for name in by]
    zone_name = "UTC" if zone is UTC else str(zone)
    values = [zone_name for name in by if name == "day"]
    conditions = of_ledger(where, "costs")
    if where.trace_id is not None:
        bound_by_traces(connection, [where.trace_id], conditions)
    found = costs(connection, conditions, keys, values, quick=by_hour(connection, where, by, zone_name))
    return [CostRow(key=key, tokens=tokens, cost=cost) for key, tokens, cost in found]
