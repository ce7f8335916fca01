"""SQL functions that the questions need and SQLite lacks."""

from __future__ import annotations

import sqlite3
from datetime import UTC, tzinfo
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from syndarix_obs_read.timerange import SECOND_NS, to_datetime

_QUARTER_NS = 900 * SECOND_NS


class _ExactSum:
    """`exact_sum(text)`: a sum of decimals as decimal text (28 digits), for what does not fit `sum(cost_pico)`."""

    def __init__(self) -> None:
        self._sum = Decimal(0)

    def step(self, amount: str | None) -> None:
        if amount is not None:
            self._sum += Decimal(amount)

    def finalize(self) -> str:
        return str(self._sum)


@lru_cache(maxsize=20_000)
def _day_of_quarter(quarter: int, zone_name: str) -> str:
    zone: tzinfo = UTC if zone_name == "UTC" else ZoneInfo(zone_name)
    return to_datetime(quarter * _QUARTER_NS, zone).strftime("%Y-%m-%d")


def _day(ns: int, zone_name: str) -> str:
    """`day(ts_ns, zone)`: the day as `2026-03-01`. Every zone's days begin on a quarter of an hour."""
    return _day_of_quarter(ns // _QUARTER_NS, zone_name)


def add_functions(connection: sqlite3.Connection) -> None:
    """Register the functions on a connection."""
    connection.create_function("day", 2, _day, deterministic=True)
    connection.create_aggregate("exact_sum", 1, _ExactSum)  # type: ignore[arg-type]  # typeshed wants int from step
