"""A month's end: level × weekday profile, with an interval from the series' own errors."""

from __future__ import annotations

import random
from datetime import date, timedelta
from math import log

import pytest

from syndarix_obs_read.analysis.forecast import Forecast, NotYet, forecast

WEEK = (10.0, 12.0, 12.0, 12.0, 10.0, 2.0, 1.0)
"""Dollars from Monday to Sunday."""


def days(first: date, count: int, growth: float = 1.0) -> dict[date, float]:
    """The same week again and again; `growth` is by week."""
    found = (first + timedelta(days=number) for number in range(count))
    return {day: WEEK[day.weekday()] * growth ** ((day - first).days / 7) for day in found}


def said(history: dict[date, float], day: date) -> Forecast:
    answer = forecast(history, day)
    assert isinstance(answer, Forecast)
    return answer


def test_a_steady_week_is_forecast_to_the_cent_although_the_run_rate_is_not() -> None:
    history = days(date(2026, 6, 1), 180)
    actual = sum(value for day, value in history.items() if (day.year, day.month) == (2026, 10))
    answer = said(history, date(2026, 10, 4))
    assert actual == pytest.approx(answer.expected)
    assert actual != pytest.approx(answer.run_rate, rel=0.1)


def test_values_after_the_day_asked_change_nothing() -> None:
    history = days(date(2026, 6, 1), 130)
    later = history | {date(2026, 10, 20): 9_999.0}
    assert said(history, date(2026, 10, 7)) == said(later, date(2026, 10, 7))


def test_two_weeks_are_enough_and_one_day_less_says_from_when_it_will_know() -> None:
    history = days(date(2026, 10, 1), 14)
    assert NotYet(date(2026, 10, 13), 13, date(2026, 10, 14)) == forecast(history, date(2026, 10, 13))
    assert 0.0 == said(history, date(2026, 10, 14)).own_months


def test_the_interval_narrows_as_the_month_goes_and_closes_on_its_last_day() -> None:
    history = days(date(2026, 8, 1), 92, growth=1.02)
    widths = [one.high / one.low for one in (said(history, date(2026, 10, day)) for day in (3, 14, 28, 31))]
    assert widths == sorted(widths, reverse=True)
    last = said(history, date(2026, 10, 31))
    assert last.so_far == last.expected == last.low == last.high


def test_a_noisy_series_has_a_wider_interval_than_a_calm_one() -> None:
    calm = days(date(2026, 9, 1), 37)
    chance = random.Random(3)
    noisy = {day: value * chance.uniform(0.3, 3) for day, value in calm.items()}
    one, other = said(noisy, date(2026, 10, 7)), said(calm, date(2026, 10, 7))
    assert 5 < log(one.high / one.low) / log(other.high / other.low)


def test_own_months_take_over_from_the_pooled_table() -> None:
    history = days(date(2025, 1, 1), 640)
    young, old = said(history, date(2025, 2, 10)), said(history, date(2026, 9, 10))
    assert 0.0 == young.own_months
    assert old.own_months == pytest.approx(11, abs=1.5)
    assert old.high / old.low < young.high / young.low


def test_nothing_spent_is_a_forecast_of_nothing() -> None:
    answer = said(dict.fromkeys(days(date(2026, 9, 1), 40), 0.0), date(2026, 10, 5))
    assert (0.0, 0.0, 0.0) == (answer.expected, answer.low, answer.high)


def test_what_is_spent_already_is_the_least() -> None:
    history = dict.fromkeys(days(date(2026, 9, 1), 40), 0.0) | {date(2026, 10, 5): 500.0}
    assert 500.0 <= said(history, date(2026, 10, 5)).low


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_amounts_without_a_relative_error_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="2026-09-03"):
        forecast(days(date(2026, 9, 1), 20) | {date(2026, 9, 3): value}, date(2026, 9, 20))


def test_on_the_first_of_a_month_the_days_before_it_are_what_is_known() -> None:
    history = days(date(2026, 6, 1), 122)
    answer = forecast(history, date(2026, 9, 30), of=date(2026, 10, 1))
    assert isinstance(answer, Forecast)
    assert (0.0, None) == (answer.so_far, answer.run_rate)
    assert answer.expected == pytest.approx(sum(days(date(2026, 6, 1), 153).values()) - sum(history.values()))


def test_a_month_that_is_not_next_is_refused() -> None:
    with pytest.raises(ValueError, match="neither in the month"):
        forecast(days(date(2026, 6, 1), 60), date(2026, 7, 15), of=date(2026, 9, 1))
