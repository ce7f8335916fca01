"""How did it go over time? Model calls, failures, latency, dollars and tokens in even steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pydantic import Field

from syndarix_obs_read.amounts import Frozen, Quantiles
from syndarix_obs_read.answers.base import Answer, Moment, Period
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import BucketSource
from syndarix_obs_read.backends.rows import BucketRow
from syndarix_obs_read.timerange import SECOND_NS, TimeRange, to_datetime

STEPS_S: Final = (10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800)
"""Lengths that a step may have, in seconds."""
MOST: Final = 90
"""Steps of one answer, about."""


class Point(Frozen):
    """One step of time."""

    since: Moment
    calls: int = Field(description="Calls of models.")
    errors: int = Field(description="Those that failed.")
    tool_calls: int
    tool_errors: int
    latency: Quantiles = Field(description="Seconds that calls of models took.")
    input_tokens: int
    output_tokens: int
    cost_usd: float = Field(description="Dollars, to watch and not to bill; unpriced calls left out.")


class OverTime(Answer):
    """Points in order of time, without gaps."""

    step_s: int
    points: tuple[Point, ...]


async def get_over_time(backend: BucketSource, name: str, where: Filter, period: TimeRange) -> OverTime:
    """What happened in each step of the period.

    Args:
        backend: who is asked.
        name: of the backend.
        where: as agents are filtered.
        period: from its first to its last step; steps are as long as it takes for about `MOST` of them.
    """
    step = step_of(period)
    rows = await backend.buckets(where.within(period), step * SECOND_NS)
    return OverTime(backend=name, period=Period.of(period), step_s=step, points=_points(rows, period, step))


def step_of(period: TimeRange) -> int:
    """How long a step is, in seconds."""
    return next((step for step in STEPS_S if period.seconds / step <= MOST), STEPS_S[-1])


def _points(rows: Iterable[BucketRow], period: TimeRange, step: int) -> tuple[Point, ...]:
    length = step * SECOND_NS
    by_time: dict[int, list[BucketRow]] = {}
    for row in rows:
        by_time.setdefault(row.at_ns, []).append(row)
    # A period without a beginning begins where something happened.
    first = max(period.since_ns // length * length, min(by_time, default=period.until_ns) - MOST * length)
    return tuple(_point(at, by_time.get(at, ())) for at in range(first, period.until_ns, length))


def _point(at: int, rows: Iterable[BucketRow]) -> Point:
    rows = list(rows)
    return Point(
        since=to_datetime(at),
        calls=sum(row.calls for row in rows),
        errors=sum(row.errors for row in rows),
        tool_calls=sum(sum(row.tools.values()) for row in rows),
        tool_errors=sum(row.tool_errors for row in rows),
        latency=Quantiles.of(second for row in rows for second in row.seconds),
        input_tokens=sum(row.input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        cost_usd=sum(row.cost_usd for row in rows),
    )
