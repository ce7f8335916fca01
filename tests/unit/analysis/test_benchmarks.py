"""What the benchmarks of the detector are made of: the published scoring, and planted anomalies in small."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

import injection
import injection_week
import nab_scoring
from nab_scoring import PROFILES, Window, count, score

WINDOWS = [Window(500, 599)]


def standard(*detections: int) -> float:
    return score([count(1_000, WINDOWS, detections)], PROFILES["standard"])


def test_silence_is_worth_nothing_and_the_first_row_of_every_window_all() -> None:
    assert 0.0 == standard()
    assert 100.0 == pytest.approx(standard(500))


def test_early_is_better_than_late_and_the_first_detection_alone_counts() -> None:
    assert standard(500) > standard(550) > standard(599) > standard()
    assert standard(500) == standard(500, 550, 599)


def test_a_false_alarm_costs_less_right_after_a_window_and_nothing_in_probation() -> None:
    assert standard(500) == standard(149, 500)
    assert standard(500, 605) > standard(500, 900)
    assert 100 - 100 * 0.11 / 2 == pytest.approx(standard(500, 400))


def test_low_fp_counts_a_false_alarm_twice_and_low_fn_a_missed_window() -> None:
    false, half = count(1_000, WINDOWS, [500, 400]), count(1_000, [*WINDOWS, Window(800, 899)], [500])
    assert 100 - 100 * 0.22 / 2 == pytest.approx(score([false], PROFILES["low_fp"]))
    assert score([half], PROFILES["standard"]) == pytest.approx(50)
    assert score([half], PROFILES["low_fn"]) == pytest.approx(50)


def test_at_most_750_rows_are_probation() -> None:
    assert (150, 750) == (nab_scoring.probation(1_000), nab_scoring.probation(50_000))


@pytest.mark.slow
def test_planted_anomalies_are_found_soon_and_a_quiet_month_raises_none() -> None:
    series = injection_week.week(seed=5, days=60)
    tried = list(injection.plant(series, seed=5, only=("cost", "latency_p50")))
    delays = [one.delay for one in tried if one.delay is not None]
    assert len(delays) >= 0.9 * len(tried)
    assert sum(delay <= 3 for delay in delays) >= 0.8 * len(delays)
    calm = injection.quiet({name: series[name] for name in ("calls", "cost", "latency_p50")})
    assert calm["false"] <= 1
    assert (0, 0) == (calm["first_day"], calm["sunday_to_monday"])
