"""What did a day cost, and why more or less than the day before? Both by session, agent, model, task and project."""

from __future__ import annotations

import math
import re
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Final

from pydantic import Field

from syndarix_obs_read.amounts import Cost, Frozen, Tokens, Usd
from syndarix_obs_read.answers.base import Answer, Period
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import CostRow, LedgerKey
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.timerange import TimeRange, day_start, parse_range, to_datetime

DIMENSIONS: Final[tuple[LedgerKey, ...]] = ("session_id", "agent", "model", "task_type", "project")
"""Where a difference is looked for."""
_MOST: Final = 5
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}|today|yesterday", re.ASCII)


class Cause(Frozen):
    """One factor of the difference. The three add up to it: cost = calls × tokens of a call × price of a token."""

    name: str = Field(description="`calls`, `tokens of a call` or `price of a token`.")
    before: float | None = Field(description="Its value on the day before; null when nothing was priced.")
    after: float | None = Field(description="The same on the day.")
    difference_usd: Usd = Field(description="What its change added to the cost, or took from it.")


class Mover(Frozen):
    """What one value of a dimension cost on both days."""

    dimension: str
    value: str | None = Field(description="Null for work that names none.")
    before: Cost
    after: Cost
    difference_usd: Usd


class DayCosts(Answer):
    """A day beside the day before it. Sums hold calls with a price; both `Cost`s say how many have none."""

    day: str
    day_before: str
    running: bool = Field(description="Whether the day is today, so that it is not over.")
    cost: Cost
    cost_before: Cost
    tokens: Tokens
    tokens_before: Tokens
    sessions: int = Field(description="Sessions with a line in the ledger.")
    sessions_before: int
    difference_usd: Usd
    causes: tuple[Cause, ...] = Field(description="What the difference is made of; empty unless both days cost money.")
    movers: tuple[Mover, ...] = Field(
        description="The values of each dimension whose cost differs most, the largest difference of a dimension first."
    )


async def day_costs(
    backend: Backend, where: Filter, day: str = "yesterday", *, zone: tzinfo = UTC, now_ns: int | None = None
) -> DayCosts:
    """A day's costs beside those of the day before.

    Args:
        day: `2026-03-01`, `today` or `yesterday`.
        zone: where days begin.
        now_ns: nanoseconds since the epoch, for tests.

    Raises:
        FilterError: it names no day.
    """
    now = time.time_ns() if now_ns is None else now_ns
    period = _period(day, zone, now)
    name = period.text
    first = day_start(period.since_ns - 1, zone)
    both = TimeRange(first, period.until_ns, f"{name} and the day before")
    rows = await backend.costs(where.within(both), ("day", *DIMENSIONS), zone)
    after = [row for row in rows if row.key["day"] == name]
    before = [row for row in rows if row.key["day"] != name]
    (tokens, cost), (tokens_before, cost_before) = _sum(after), _sum(before)
    return DayCosts(
        backend=backend.name,
        period=Period.of(period),
        day=name,
        day_before=to_datetime(first, zone).strftime("%Y-%m-%d"),
        running=period.until_ns > now,
        cost=cost,
        cost_before=cost_before,
        tokens=tokens,
        tokens_before=tokens_before,
        sessions=_sessions(after),
        sessions_before=_sessions(before),
        difference_usd=_usd(cost) - _usd(cost_before),
        causes=_causes(before, after),
        movers=tuple(mover for dimension in DIMENSIONS for mover in _movers(dimension, before, after)),
        hints=() if cost.calls or cost_before.calls else tuple(await why_empty(backend, where, both)),
    )


def _period(day: str, zone: tzinfo, now: int) -> TimeRange:
    if not _DAY.fullmatch(day):
        raise FilterError(f"day={day!r} is no day; examples: 2026-03-01, today, yesterday")
    found = parse_range(day, day, zone=zone, now_ns=now)
    return TimeRange(found.since_ns, found.until_ns, to_datetime(found.since_ns, zone).strftime("%Y-%m-%d"))


def _sum(rows: Sequence[CostRow]) -> tuple[Tokens, Cost]:
    tokens, cost = Tokens(), Cost()
    for row in rows:
        tokens, cost = tokens + row.tokens, cost + row.cost
    return tokens, cost


def _sessions(rows: Sequence[CostRow]) -> int:
    return len({row.key["session_id"] for row in rows} - {None})


def _usd(cost: Cost) -> Decimal:
    return cost.total_usd or Decimal(0)


def _movers(dimension: LedgerKey, before: Sequence[CostRow], after: Sequence[CostRow]) -> list[Mover]:
    """The values whose cost differs most; none where all work has one value, but a session is always named."""
    sides: tuple[defaultdict[str | None, Cost], ...] = (defaultdict(Cost), defaultdict(Cost))
    for side, rows in zip(sides, (before, after), strict=True):
        for row in rows:
            side[row.key[dimension]] += row.cost
    values = {**sides[0], **sides[1]}
    if len(values) < 2 and dimension != "session_id":
        return []
    found = [
        Mover(dimension=dimension, value=value, before=sides[0][value], after=sides[1][value],
              difference_usd=_usd(sides[1][value]) - _usd(sides[0][value]))
        for value in values
    ]  # fmt: skip
    found.sort(key=lambda each: (-abs(each.difference_usd), each.value or ""))
    return [each for each in found if each.difference_usd][:_MOST]


def _causes(before: Sequence[CostRow], after: Sequence[CostRow]) -> tuple[Cause, ...]:
    """Each factor's part of the difference, by the logarithmic mean (LMDI): it leaves no rest, in whichever order."""
    one, other = _priced(before), _priced(after)
    if not all((*one, *other)):
        return ()
    mean = other[2] if math.isclose(one[2], other[2]) else (other[2] - one[2]) / math.log(other[2] / one[2])
    factors: tuple[tuple[str, Callable[[tuple[float, float, float]], float]], ...] = (
        ("calls", lambda side: side[0]),
        ("tokens of a call", lambda side: side[1] / side[0]),
        ("price of a token", lambda side: side[2] / side[1]),
    )
    return tuple(
        Cause(name=name, before=of(one), after=of(other),
              difference_usd=Decimal(repr(round(mean * math.log(of(other) / of(one)), 9))))
        for name, of in factors
    )  # fmt: skip


def _priced(rows: Sequence[CostRow]) -> tuple[float, float, float]:
    """Calls, tokens and dollars of what has a price."""
    tokens, cost = _sum([row for row in rows if row.cost.total_usd is not None])
    return float(cost.calls - cost.unpriced_calls), float(tokens.total), float(_usd(cost))


def only(movers: Sequence[Mover], dimension: str) -> list[Mover]:
    """Those of one dimension."""
    return [each for each in movers if each.dimension == dimension]
