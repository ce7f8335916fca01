"""The one reader of times."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndarix_obs_read.errors import TimeRangeError
from syndarix_obs_read.timerange import (
    SECOND_NS,
    day_start,
    month_start,
    next_month,
    parse_duration,
    parse_range,
    to_datetime,
)

NOW = 1_772_373_600 * SECOND_NS  # 2026-03-01T14:00:00Z
BERLIN = ZoneInfo("Europe/Berlin")


def ns(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return round(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * SECOND_NS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", ns(2026, 3, 1, 12)),
        ("1h30m", ns(2026, 3, 1, 12, 30)),
        ("90s ago", ns(2026, 3, 1, 13, 58, 30)),
        ("7d", ns(2026, 2, 22, 14)),
        ("today", ns(2026, 3, 1)),
        ("yesterday", ns(2026, 2, 28)),
        ("2026-02", ns(2026, 2, 1)),
        ("2026-02-03", ns(2026, 2, 3)),
        ("2026-02-03T04:05", ns(2026, 2, 3, 4, 5)),
        ("2026-02-03 04:05:06Z", ns(2026, 2, 3, 4, 5, 6)),
        ("2026-02-03T04:05+02:00", ns(2026, 2, 3, 2, 5)),
        ("1772366400", ns(2026, 3, 1, 12)),
        ("1772366400.5", ns(2026, 3, 1, 12) + SECOND_NS // 2),
        ("1772366400000", ns(2026, 3, 1, 12)),
    ],
)
def test_since_reads_every_form(text: str, expected: int) -> None:
    assert expected == parse_range(text, now_ns=NOW).since_ns


def test_a_day_as_until_counts_to_its_end() -> None:
    found = parse_range("yesterday", "yesterday", now_ns=NOW)
    assert (ns(2026, 2, 28), ns(2026, 3, 1)) == (found.since_ns, found.until_ns)


def test_a_month_as_until_counts_to_its_end() -> None:
    assert ns(2026, 3, 1) == parse_range("2026-02", "2026-02", now_ns=NOW).until_ns


def test_without_until_the_range_reaches_now() -> None:
    assert NOW < parse_range("2h", now_ns=NOW).until_ns <= NOW + SECOND_NS


def test_a_time_without_a_zone_is_meant_in_the_zone_given() -> None:
    assert ns(2026, 2, 3, 3, 5) == parse_range("2026-02-03T04:05", zone=BERLIN, now_ns=NOW).since_ns


def test_a_day_of_a_zone_with_a_clock_change_has_23_hours() -> None:
    found = parse_range("2026-03-29", "2026-03-29", zone=BERLIN, now_ns=NOW)
    assert 23 * 3600 == found.seconds


@pytest.mark.parametrize("text", ["junk", "", "2 h", "2026-13-01", "99999999d", "-", "12", "١h"])
def test_what_cannot_be_read_is_answered_with_examples(text: str) -> None:
    with pytest.raises(TimeRangeError, match="examples: 30m, 2h"):
        parse_range(text, now_ns=NOW)


def test_a_range_that_ends_before_it_begins_says_so() -> None:
    with pytest.raises(TimeRangeError, match=r"ends before it begins: 2026-03-01 12:00 UTC to 2026-02-28 14:00 UTC"):
        parse_range("2h", "1d", now_ns=NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("250ms", 250_000_000), ("1.5s", 1_500_000_000), ("2m", 120 * SECOND_NS), ("3", 3 * SECOND_NS)],
)
def test_durations(text: str, expected: int) -> None:
    assert expected == parse_duration(text)


def test_a_wrong_duration_is_answered_with_examples() -> None:
    with pytest.raises(TimeRangeError, match="examples: 250ms"):
        parse_duration("long")


def test_days_and_months_begin_in_the_zone() -> None:
    assert ns(2026, 2, 28, 23) == day_start(NOW, BERLIN)
    assert ns(2026, 2, 28, 23) == month_start(NOW, BERLIN)
    assert ns(2026, 3, 31, 22) == next_month(NOW, BERLIN)
    assert ns(2027, 1, 1) == next_month(ns(2026, 12, 5), UTC)


def test_a_moment_beyond_the_calendar_is_its_last_one() -> None:
    assert 9999 == to_datetime(2**63 * 1000).year


@given(st.text(max_size=30))
def test_any_text_is_a_range_or_an_error_of_ours(text: str) -> None:
    try:
        found = parse_range(text, now_ns=NOW)
    except TimeRangeError:
        return
    assert found.since_ns < found.until_ns
