"""The few statistics that are computed by hand, against values known from elsewhere."""

from __future__ import annotations

import pytest

from syndarix_obs_read.analysis.statistics import (
    cluster_variance,
    holm,
    kappa,
    least_squares,
    mean_interval,
    upper_tail,
    wilson,
)


def test_holm_multiplies_by_the_looks_that_are_left_and_never_falls() -> None:
    assert {"a": 0.03, "b": 0.06, "c": 0.06} == pytest.approx(holm({"a": 0.01, "c": 0.04, "b": 0.03}))


def test_upper_tail_is_that_of_the_normal_distribution() -> None:
    assert pytest.approx(0.025, abs=1e-4) == upper_tail(1.96)


def test_the_variance_of_a_mean_of_single_values_is_the_usual_one() -> None:
    assert pytest.approx(2.5 / 5) == cluster_variance([1, 2, 3, 4, 5], [1] * 5)


def test_values_of_one_group_count_as_one() -> None:
    assert cluster_variance([2, 8], [2, 2]) > cluster_variance([1, 1, 4, 4], [1] * 4)
    assert 0.0 == cluster_variance([5], [2])


def test_the_interval_of_a_share_is_wilson_s() -> None:
    assert (0.0571, 0.5098) == pytest.approx(wilson(2, 10), abs=1e-3)
    assert (0.0, 1.0) == wilson(0, 0)


def test_the_interval_of_a_mean_widens_with_its_values() -> None:
    assert (2.0, 2.0, 2.0) == mean_interval([2.0])
    assert (2.0, 0.04, 3.96) == pytest.approx(mean_interval([1.0, 3.0]), abs=0.01)
    with pytest.raises(ValueError, match="at least one value"):
        mean_interval([])


def test_kappa_is_agreement_beyond_chance() -> None:
    assert 1.0 == kappa(["yes", "no"], ["yes", "no"])
    assert pytest.approx(0.4) == kappa(["y"] * 25 + ["n"] * 25, ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15)
    assert None is kappa(["yes", "yes"], ["yes", "yes"])
    with pytest.raises(ValueError, match="two ratings of each thing"):
        kappa(["yes"], [])


def test_least_squares_finds_the_effects_that_made_the_values() -> None:
    cells = {(1, 0): (100.0, 200.0), (1, 1): (100.0, 500.0)}
    assert [2.0, 3.0] == pytest.approx(least_squares(cells, 2, ridge=1e-6), abs=1e-3)
