"""One session that made most of a time's sum, and far more than any before."""

from __future__ import annotations

import pytest

from syndarix_obs_read.analysis.runaway import runaway, sums

BEFORE = {"a": 1.0, "b": 2.0}


def test_a_session_that_made_most_of_it_and_three_times_the_largest_before_ran_away() -> None:
    found = runaway("cost", BEFORE, {"c": 9.0, "d": 1.0})
    assert found is not None
    assert ("c", 9.0, 0.9, 2.0, 2) == (
        found.session, found.amount, found.part, found.largest_before, found.sessions_before,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "least"),
    [
        (BEFORE, {"c": 5.9}, 0),
        (BEFORE, {"c": 9.0, "d": 9.1, "e": 9.0}, 0),
        (BEFORE, {"c": 9.0}, 10),
        ({"a": 1.0}, {"c": 9.0}, 0),
        (BEFORE, {}, 0),
        ({"a": 0.0, "b": 0.0}, {"c": 0.0}, 0),
    ],
    ids=("not three times", "not most of it", "too little", "one session before", "nothing now", "nothing at all"),
)
def test_otherwise_none_did(before: dict[str, float], after: dict[str, float], least: float) -> None:
    assert None is runaway("cost", before, after, least)


def test_amounts_are_summed_by_session() -> None:
    assert {"a": 3.0, "b": 1.0} == sums([("a", 1.0), ("b", 1.0), ("a", 2.0)])
