"""Scores: 1 is where an alarm begins; each opinion finds what it is for and is quiet about the usual."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from syndarix_obs_read.analysis.detector import OPINIONS, Scores, score
from syndarix_obs_read.analysis.scale import Scale, even, uneven

PER_DAY = 96
"""Quarters of an hour: small series, the same rhythm."""


def rhythm(days: int, noise: float = 1.0, seed: int = 1) -> NDArray[np.float64]:
    """A day's wave of 100 ± 40, less at weekends, with Gaussian noise; from a Monday on."""
    places = np.arange(days * PER_DAY)
    wave = 100 + 40 * np.sin(2 * np.pi * places / PER_DAY)
    weekend = places // PER_DAY % 7 >= 5
    drawn: NDArray[np.float64] = np.random.default_rng(seed).normal(0, noise, len(places))
    return np.where(weekend, 0.5, 1.0) * wave + drawn


def opinion(scores: Scores, place: int) -> str:
    return OPINIONS[scores.opinion[place]]


def test_a_quiet_month_with_its_weekends_is_never_unusual() -> None:
    assert score(rhythm(30), PER_DAY).score.max() < 1


def test_a_score_does_not_change_when_later_values_come() -> None:
    values = rhythm(20)
    values[1_000:1_010] += 60
    whole = score(values, PER_DAY).score
    for length in (700, 1_005, 1_900):
        np.testing.assert_allclose(whole[:length], score(values[:length], PER_DAY).score, atol=1e-3)


@pytest.mark.parametrize(("change", "named"), [(25.0, "level"), (-25.0, "level")])
def test_a_step_is_noticed_at_once_although_the_day_itself_moves_more(change: float, named: str) -> None:
    values = rhythm(21)
    at = 17 * PER_DAY + 40
    values[at:] += change
    scores = score(values, PER_DAY)
    assert scores.score[:at].max() < 1 <= scores.score[at]
    assert named == opinion(scores, at)


def test_values_that_vary_more_than_before_are_noticed() -> None:
    values = rhythm(21)
    at = 17 * PER_DAY
    values[at : at + 20] += np.where(np.arange(20) % 2, 18.0, -18.0)
    scores = score(values, PER_DAY)
    assert scores.score[at : at + 4].max() >= 1
    assert "spread" == opinion(scores, at + 3)


def test_a_value_that_hangs_is_noticed_where_values_never_repeat() -> None:
    values = rhythm(21)
    at = 17 * PER_DAY + 10
    values[at : at + 4] = values[at - 1]
    scores = score(values, PER_DAY)
    assert (1.0, "stuck") == (pytest.approx(scores.score[at + 2], abs=0.05), opinion(scores, at + 2))


def test_records_that_stop_are_noticed_and_nights_without_any_are_not() -> None:
    values = rhythm(21)
    values[np.arange(len(values)) % PER_DAY < 20] = np.nan
    assert score(values, PER_DAY).score[PER_DAY:].max() < 1
    at = 17 * PER_DAY + 50
    values[at : at + 4] = np.nan
    scores = score(values, PER_DAY)
    assert (True, "missing") == (bool(scores.score[at + 3] >= 1), opinion(scores, at + 3))


def test_one_of_few_calls_may_be_further_off() -> None:
    values, calls = rhythm(21), np.full(21 * PER_DAY, 50.0)
    at = 17 * PER_DAY + 40
    values[at] += 18
    many = score(values, PER_DAY, weight=calls).score[at]
    calls[at] = 2
    few = score(values, PER_DAY, weight=calls).score[at]
    assert few == pytest.approx(many / 5, rel=0.1)


def test_nothing_is_said_before_thirty_values() -> None:
    values = np.r_[np.ones(20), np.full(20, 1e6)]
    assert 0 == score(values, PER_DAY).score[:31].max()


@pytest.mark.parametrize("values", [[], [1.0], [np.nan] * 50, [5.0] * 500])
def test_series_that_say_nothing_are_not_unusual(values: list[float]) -> None:
    assert score(np.array(values, dtype=float), PER_DAY).score.max(initial=0.0) < 0.1


@pytest.mark.parametrize("scale", list(Scale))
def test_scales_lead_back_to_the_unit(scale: Scale) -> None:
    values = np.array([0.25, 0.5, 1.0])
    np.testing.assert_allclose(values, uneven(even(values, scale), scale))


def test_zero_is_a_value_of_sums_and_shares_and_none_of_sizes() -> None:
    assert [0.0, 0.0, True] == [
        even(np.zeros(1), Scale.SUM)[0],
        even(np.zeros(1), Scale.SHARE)[0],
        bool(np.isnan(even(np.zeros(1), Scale.SIZE)[0])),
    ]
