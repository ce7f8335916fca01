"""Days, weeks and months of a budget: which one a moment lies in, and when it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

FOREVER_NS: Final = 2**63 - 1
"""When the account of a run ends: with the run, which nobody announces."""
RUN_KEPT_NS: Final = 7 * 86_400 * 10**9
"""How long the account of a run is kept after its last use."""


class Period(NamedTuple):
    """One day, week, month or run: its name, and its borders in nanoseconds since the epoch."""

    name: str
    start_ns: int
    end_ns: int


def period_of(per: str, run: str, zone: str, at_ns: int) -> Period:
    """The period that a moment lies in; for a run it has no borders."""
    if per == "run":
        return Period(run, 0, FOREVER_NS)
    recent = _last.get((per, zone))
    if recent is not None and recent.start_ns <= at_ns < recent.end_ns:
        return recent
    found = _worked_out(per, zone, at_ns // 1_000_000_000)
    _last[per, zone] = found
    return found


_last: dict[tuple[str, str], Period] = {}


@lru_cache(64)
def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _worked_out(per: str, zone: str, at_s: int) -> Period:
    now = datetime.fromtimestamp(at_s, _zone(zone))
    start = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    name = f"{start:%Y-%m-%d}"
    if per == "week":
        start = _midnight(start - timedelta(days=start.weekday()))
        name = f"{start:%G-W%V}"
        end = _midnight(start + timedelta(days=7))
    elif per == "month":
        start = start.replace(day=1)
        name = f"{start:%Y-%m}"
        end = _midnight((start + timedelta(days=32)).replace(day=1))
    else:
        end = _midnight(start + timedelta(days=1))
    return Period(name, int(start.timestamp()) * 10**9, int(end.timestamp()) * 10**9)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
