"""The simulation of an outage and the reckoning of cores, against arithmetic."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

from scale import Cost, cores, simulate


def test_an_outage_within_the_spools_loses_nothing_and_drains_at_the_surplus() -> None:
    found = simulate(rate=100, capacity=300, outage_s=600, record_bytes=1_000, spools=10, spool_bytes=100e6)
    assert 0 == found["lost"]
    assert 601 * 100 * 1_000 / 10 == pytest.approx(found["most_bytes_in_a_spool"], rel=0.01)
    assert 300 == pytest.approx(found["drained_after_s"], abs=2)


def test_what_does_not_fit_the_spools_is_lost_to_the_record() -> None:
    found = simulate(rate=100, capacity=1_000, outage_s=600, record_bytes=1_000, spools=1, spool_bytes=20e6)
    assert 600 * 100 - 20_000 == pytest.approx(found["lost"], abs=100)


def test_a_back_end_that_is_no_faster_than_the_agents_never_catches_up() -> None:
    assert float("inf") == simulate(100, 100, 10, 1_000, 1, 1e9)["drained_after_s"]


def test_cores_are_the_peak_by_what_one_core_does() -> None:
    assert 1_000_000 / 86_400 * 5 / (500 * 0.6) == pytest.approx(cores(1_000_000, Cost(calls=1_000, cpu_s=2.0)))
