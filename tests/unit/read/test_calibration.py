"""Confidence against outcome: known sets give known figures; too little or too even is refused."""

from __future__ import annotations

import random

import pytest

from syndarix_obs_read.answers.calibration import calibrate, refusal, wilson


def made(count: int, right: object, seed: int = 3) -> list[tuple[float, bool]]:
    """Confidences from .5 to 1; `right` says how often each is right. Confidences are as even as can be."""
    chance = random.Random(seed)
    pairs = []
    for at in range(count):
        sure = 0.5 + 0.5 * (at + 0.5) / count
        pairs.append((sure, chance.random() < right(sure)))  # type: ignore[operator]
    return pairs


@pytest.mark.parametrize(
    ("right", "ece"),
    [
        (lambda sure: sure, 0.0), (lambda sure: sure - 0.1, 0.1), (lambda sure: sure - 0.3, 0.3),
        (lambda _sure: 0.5, 0.25),
    ],
    ids=["calibrated", "10 points too sure", "30 points too sure", "tells nothing"],
)
@pytest.mark.parametrize("seed", range(5))
def test_a_set_of_known_calibration_has_its_error_within_a_point(right: object, ece: float, seed: int) -> None:
    assert ece == pytest.approx(calibrate(made(40_000, right, seed)).ece, abs=0.01)


def test_parts_of_the_brier_score_add_up() -> None:
    found = calibrate(made(10_000, lambda sure: sure - 0.1))
    assert found.brier == pytest.approx(found.reliability - found.resolution + found.uncertainty, abs=0.001)


def test_bins_have_equal_counts_and_their_intervals_hold_the_truth() -> None:
    found = calibrate(made(5_000, lambda sure: sure))
    assert [500] * 10 == [each.count for each in found.bins]
    assert sum(each.low <= each.confidence <= each.high for each in found.bins) >= 8


def test_equal_confidences_stay_together() -> None:
    pairs = [(sure, at % 10 < sure * 10) for sure in (0.5, 0.7, 0.9) for at in range(100)]
    assert [0.5, 0.7, 0.9] == [each.confidence for each in calibrate(pairs).bins] == pytest.approx([0.5, 0.7, 0.9])


def test_under_a_hundred_outcomes_it_says_not_enough() -> None:
    assert "not enough: 99 outcomes" in str(refusal([0.1, 0.9, 0.5] * 33))
    with pytest.raises(ValueError, match="not enough"):
        calibrate([(0.5, True)] * 20)


def test_a_saturated_set_is_refused() -> None:
    assert "saturated" in str(refusal([0.9] * 500))
    with pytest.raises(ValueError, match="saturated"):
        calibrate([(0.9, at % 2 == 0) for at in range(500)])


def test_wilson_is_that_of_the_textbook() -> None:
    assert (0.6396, 0.9476) == pytest.approx(wilson(17, 20), abs=0.0001)
    assert (0.0, 1.0) == wilson(0, 0)
