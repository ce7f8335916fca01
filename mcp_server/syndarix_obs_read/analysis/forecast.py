"""What a month will come to: the days so far, and the rest as level × weekday profile, with an 80% interval.

Everything is in the unit of the daily values (dollars, tokens, calls). Days that are missing are unknown, not zero: who
asks about money puts a 0 where a day had no spend.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

PROFILE_DAYS = 56
"""How far back the weekday profile looks: eight of each weekday."""

LEAST_DAYS = 14
"""Known days before anything is said: two of each weekday."""

HALF_LIFE_SHARE = 0.3
"""Half-life of the level, as a share of the days that are left: the further the month's end, the calmer the level."""

LEAST_HALF_LIFE = 3.0
"""Days. About the mean of the last seven days, which is best near the end of a month."""

CONFIDENCE = 0.8
"""Share of months that should end within the interval."""

POOLED_ERRORS = {3: 1.35, 7: 0.837, 14: 0.483, 21: 0.320, 28: 0.0705}
"""80% quantile of |log(actual ÷ forecast)| ÷ noise^0.7 by day asked, from 12 public daily series."""

NOISE_POWER = 0.7
"""How much of a series' own noise widens the pooled errors; between 0.5 and 1 the coverage hardly differs."""

USUAL_NOISE = 0.077
"""Median of `weekly_noise` over the same series: for a history in which it cannot be measured yet."""

POOLED_MONTHS = 6.0
"""The pooled errors weigh as much as this many months of the series' own."""

MONTH = 30.5
"""Days."""

OWN_STEP = 3
"""Days between the starts of the past months that own errors are taken from; every day says hardly more."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A month's end as seen on one day; all amounts in the unit of the series."""

    day: date
    """The last day that is known, and whole."""
    so_far: float
    """Sum of the month's days up to and with `day`."""
    expected: float
    """The month's total."""
    low: float
    high: float
    """80% of months end between the two."""
    run_rate: float | None
    """What days so far ÷ days gone × days of the month says, to compare; None before the month's first whole day."""
    own_months: float
    """Months of own history that the interval rests on; 0: on the pooled table alone."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """Too little history for a forecast."""

    day: date
    known_days: int
    ready: date
    """From this day on there will be enough, if every day is known from now on."""


Days = Mapping[date, float]


def forecast(history: Days, day: date, of: date | None = None) -> Forecast | NotYet:
    """The total of a month, from the values of whole days up to and with `day`; later ones are not read.

    The month is that of `day`, or the one that `of` lies in: on the first of a month only the days before it are whole.
    Raises ValueError for a negative or non-finite value: amounts that can go below zero have no relative error.
    """
    known = _checked(history, day)
    if len(known) < LEAST_DAYS:
        return NotYet(day, len(known), day + timedelta(days=LEAST_DAYS - len(known)))
    first = (of or day).replace(day=1)
    days, last = calendar.monthrange(first.year, first.month)[1], day.toordinal()
    gone = last - first.toordinal() + 1
    if not 0 <= gone <= days:
        raise ValueError(f"{day} is neither in the month of {of} nor the day before it")
    so_far = _sum(known, last - gone + 1, last)
    expected = so_far + _rest(known, last, days - gone)
    width, months = _width(known, last, gone, days)
    return Forecast(
        day=day,
        so_far=so_far,
        expected=expected,
        low=max(so_far, expected * math.exp(-width)),
        high=expected * math.exp(width),
        run_rate=so_far / gone * days if gone else None,
        own_months=months,
    )


def _checked(history: Days, day: date) -> dict[int, float]:
    """The values up to `day` by ordinal."""
    known = {when.toordinal(): float(value) for when, value in history.items() if when <= day}
    for when, value in known.items():
        if not math.isfinite(value) or value < 0:
            raise ValueError(f"a forecast needs amounts of 0 or more; {date.fromordinal(when)} has {value}")
    return known


def _sum(known: Mapping[int, float], first: int, last: int) -> float:
    return sum(known.get(when, 0.0) for when in range(first, last + 1))


def _rest(known: Mapping[int, float], last: int, days: int) -> float:
    """The next `days` days after `last`: level × weekday profile."""
    if days <= 0:
        return 0.0
    profile = _profile(known, last)
    half_life = max(LEAST_HALF_LIFE, HALF_LIFE_SHARE * days)
    seen = usual = 0.0
    for when in range(last - PROFILE_DAYS + 1, last + 1):
        if when in known:
            weight = 0.5 ** ((last - when) / half_life)
            seen += weight * known[when]
            usual += weight * profile[when % 7]
    level = seen / usual if usual else 0.0
    return level * sum(profile[when % 7] for when in range(last + 1, last + 1 + days))


def _profile(known: Mapping[int, float], last: int) -> list[float]:
    """Mean by weekday over the last eight weeks; a weekday without a value has the mean of all."""
    values: list[list[float]] = [[] for _ in range(7)]
    for when in range(last - PROFILE_DAYS + 1, last + 1):
        if when in known:
            values[when % 7].append(known[when])
    count = sum(map(len, values))
    mean = sum(map(sum, values)) / count if count else 0.0
    return [sum(found) / len(found) if found else mean for found in values]


def _width(known: Mapping[int, float], last: int, gone: int, days: int) -> tuple[float, float]:
    """Half the interval as |log|, and the months of own errors in it: pooled first, more and more the series' own."""
    if gone >= days:
        return 0.0, 0.0
    pooled = _pooled_error(gone) * (weekly_noise(known, last) or USUAL_NOISE) ** NOISE_POWER
    own = sorted(_own_errors(known, last, gone, days))
    if not own:
        return pooled, 0.0
    months = (len(own) - 1) * OWN_STEP / MONTH
    measured = max(quantile(own, CONFIDENCE), 1e-6)
    weight = months / (months + POOLED_MONTHS)
    return math.exp(weight * math.log(measured) + (1 - weight) * math.log(pooled)), months


def _pooled_error(gone: int) -> float:
    """The table at any day of the month: between two entries along the logarithm, outside them the nearest."""
    marks = sorted(POOLED_ERRORS)
    gone = min(max(gone, marks[0]), marks[-1])
    after = next(mark for mark in marks if mark >= gone)
    before = max(mark for mark in marks if mark <= gone)
    share = (gone - before) / (after - before) if after > before else 0.0
    return math.exp((1 - share) * math.log(POOLED_ERRORS[before]) + share * math.log(POOLED_ERRORS[after]))


def _own_errors(known: Mapping[int, float], last: int, gone: int, days: int) -> Iterator[float]:
    """|log(actual ÷ forecast)| of the months of the last year at the same day, begun on any day: ten times as many."""
    first = min(known)
    for start in range(last - days + 1, max(first + LEAST_DAYS, last - days - 365) - 1, -OWN_STEP):
        if any(when not in known for when in range(start, start + days)):
            continue
        asked = start + gone - 1
        actual = _sum(known, start, start + days - 1)
        said = _sum(known, start, asked) + _rest(known, asked, days - gone)
        if actual > 0 and said > 0:
            yield abs(math.log(actual / said))


def weekly_noise(known: Mapping[int, float], last: int) -> float | None:
    """Mean |log| of the change from week to week, over eight weeks; None without two whole weeks in a row."""
    pairs = pairwise(_weeks(known, last))
    changes = [abs(math.log(later / earlier)) for later, earlier in pairs if later > 0 and earlier > 0]
    return max(sum(changes) / len(changes), 1e-3) if changes else None


def _weeks(known: Mapping[int, float], last: int) -> Iterator[float]:
    """Sums of the weeks that end with `last`, newest first, up to the first that is not whole."""
    for end in range(last, last - PROFILE_DAYS, -7):
        if any(when not in known for when in range(end - 6, end + 1)):
            return
        yield _sum(known, end - 6, end)


def quantile(ordered: list[float], share: float) -> float:
    """The quantile of a sorted, non-empty list that leaves room for the next value: position share × (n + 1)."""
    place = min(max(share * (len(ordered) + 1) - 1, 0.0), len(ordered) - 1.0)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
