"""What will the month cost? Its days so far and the rest as it usually goes, with an interval, in any grouping."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, tzinfo
from decimal import Decimal

from pydantic import Field

from syndarix_obs_read.amounts import Frozen, Usd
from syndarix_obs_read.analysis.forecast import Forecast, forecast
from syndarix_obs_read.answers.base import ListAnswer, Period, listing
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import CostRow, Dimension, Rows
from syndarix_obs_read.timerange import TimeRange, month_start, to_datetime

HISTORY_DAYS = 430
"""Days that are looked at: a year of errors, and the two weeks of profile before it."""

DAY_NS = 86_400 * 10**9
_PLACES = Decimal("0.000001")


class MonthForecast(Frozen):
    """A month's end for one group. Amounts in dollars."""

    key: Mapping[str, str | None] = Field(description="Value of each dimension; null where the work names none.")
    so_far_usd: Usd = Field(description="Of the month up to now, today included.")
    expected_usd: Usd | None = Field(description="The month's total; null while it cannot be known.")
    low_usd: Usd | None = Field(description="Lower end of the interval that 80% of months end in.")
    high_usd: Usd | None = Field(description="Upper end of it.")
    run_rate_usd: Usd | None = Field(description="Days so far ÷ days gone × days of the month, to compare.")
    own_months: float = Field(description="Months of own history behind the interval; 0: errors of other series.")
    known_days: int = Field(description="Whole days since the first call.")
    ready: date | None = Field(description="The day from which it can be known; null when it is.")


class ForecastList(ListAnswer):
    """Forecasts of the current month, dearest first."""

    by: tuple[str, ...]
    month: str = Field(description="`YYYY-MM`.")
    through: date = Field(description="The last whole day, up to which days are known.")
    budget_usd: Usd | None = Field(description="What a month may cost; null when nothing is set.")
    total: int | None = Field(default=None, description="How many groups there are.")
    whole: MonthForecast = Field(description="Everything under the filters together.")
    groups: tuple[MonthForecast, ...]


async def forecast_costs(
    backend: Backend,
    where: Filter,
    by: Sequence[Dimension] = (),
    *,
    limit: int = 50,
    zone: tzinfo = UTC,
    monthly_budget: Decimal | None = None,
    now_ns: int | None = None,
) -> ForecastList:
    """The current month's end, by the ledger's days up to yesterday.

    Args:
        by: dimensions to group by; the day is none of them here.
        zone: where days and months begin.
        monthly_budget: dollars a calendar month may cost.
        now_ns: nanoseconds since the epoch, for tests.
    """
    now = time.time_ns() if now_ns is None else now_ns
    keys = tuple(name for name in dict.fromkeys(by) if name != "day")
    period = TimeRange(now - HISTORY_DAYS * DAY_NS, now + 1, f"{HISTORY_DAYS} days")
    rows = await backend.costs(replace(where, since_ns=period.since_ns), (*keys, "day"), zone)
    today = to_datetime(now, zone).date()
    first = min((_day(row) for row in rows), default=today)
    groups = sorted(
        (_forecast(dict(zip(keys, key, strict=True)), days, first, today) for key, days in _by_key(rows, keys).items()),
        key=_order,
    )
    about = listing(Rows(tuple(groups[:limit]), len(groups) > limit, len(groups)), "a filter or fewer dimensions")
    if not rows:
        about["hints"] = await why_empty(backend, where, period)
    return ForecastList(
        backend=backend.name,
        period=Period.of(TimeRange(month_start(now, zone), now + 1, "this month")),
        by=keys,
        month=f"{today:%Y-%m}",
        through=date.fromordinal(today.toordinal() - 1),
        budget_usd=monthly_budget,
        whole=_forecast({}, _by_key(rows, ()).get((), {}), first, today),
        groups=tuple(groups[:limit]) if keys else (),
        **about,
    )


def _by_key(rows: Sequence[CostRow], keys: Sequence[str]) -> dict[tuple[str | None, ...], dict[date, Decimal]]:
    """Dollars by day, for each group."""
    found: dict[tuple[str | None, ...], dict[date, Decimal]] = {}
    for row in rows:
        days = found.setdefault(tuple(row.key[name] for name in keys), {})
        days[_day(row)] = days.get(_day(row), Decimal(0)) + (row.cost.total_usd or Decimal(0))
    return found


def _day(row: CostRow) -> date:
    return date.fromisoformat(row.key["day"] or "")


def _forecast(key: Mapping[str, str | None], days: Mapping[date, Decimal], first: date, today: date) -> MonthForecast:
    """One group. A day without a call since the first of all cost nothing; before that nothing is known."""
    yesterday = today.toordinal() - 1
    since = [date.fromordinal(number) for number in range(first.toordinal(), yesterday + 1)]
    said = forecast({day: float(days.get(day, 0)) for day in since}, date.fromordinal(yesterday), of=today)
    month = [amount for day, amount in days.items() if (day.year, day.month) == (today.year, today.month)]
    so_far = sum(month, Decimal(0))
    known = said if isinstance(said, Forecast) else None
    return MonthForecast(
        key=key,
        so_far_usd=so_far,
        # What today has cost already may be more than the forecast had for it.
        expected_usd=None if known is None else max(_usd(known.expected), so_far),
        low_usd=None if known is None else max(_usd(known.low), so_far),
        high_usd=None if known is None else max(_usd(known.high), so_far),
        run_rate_usd=None if known is None or known.run_rate is None else _usd(known.run_rate),
        own_months=known.own_months if known else 0.0,
        known_days=len(since),
        ready=None if isinstance(said, Forecast) else said.ready,
    )


def _usd(amount: float) -> Decimal:
    return Decimal(amount).quantize(_PLACES)


def _order(group: MonthForecast) -> tuple[object, ...]:
    return (-(group.expected_usd or group.so_far_usd), *(value or "" for value in group.key.values()))
