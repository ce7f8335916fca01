"""How unusual each value of a series is, from the values up to it alone: the greatest of several opinions.

Level: the mean of the last 1, 3 and 12 values, less what was expected, over its own spread of the long window.
Spread: the same for the size of those differences. Neighbours: no window of the long one looks like the last ten
values. Stuck: equal values for longer than chance has it. Missing: the same for unknown ones. Each is divided by its
limit, so that an alarm begins at 1, and 2 is twice as bad.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syndarix_obs_read.analysis import expected, moving
from syndarix_obs_read.analysis.expected import LONG

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from syndarix_obs_read.analysis.moving import Floats

LEVELS = {1: 12.0, 3: 8.0, 12: 4.8}
"""Values averaged, and how many standard deviations such a mean may be off."""

SPREADS = {3: 9.0, 12: 7.0}
"""The same for the mean size of the differences: values that vary more than they did."""

WINDOW = 10
"""Values of a window that is compared with earlier ones."""

NEAREST = 1.5
"""Distance to the nearest earlier window, in standard deviations of the series."""

RARE = 7.5
"""A run of equal or missing values is an alarm when its chance is 10 to the minus this."""

RAREST = 0.003
"""Chance of one more of the same that is never gone below: what has not been seen in two weeks may still happen."""

MATERIAL = 0.05
"""Differences count against at least this share of the standard deviation of the series itself: a rhythm that is kept
to the last digit leaves no error of its own to compare with."""

PRIOR = 5.0
"""Runs that the chance of going on is taken as known from, before it was seen."""

LEAST_SEEN = 39
"""Values at about the same time on earlier days, before a run says anything: three days of two hours' five minutes."""

WARM_UP = 30
"""Values before the first opinion."""

CEILING = 10.0
"""Largest score."""

OPINIONS = ("level", "spread", "neighbours", "stuck", "missing")


@dataclass(frozen=True, slots=True)
class Scores:
    """One entry for each value given."""

    score: Floats
    """1 and more is unusual; 0 where nothing can be said yet."""
    opinion: NDArray[np.int64]
    """Index into OPINIONS of the one that the score is from."""
    expected: Floats
    """What the value should have been; NaN where that is not known."""
    spread: Floats
    """Standard deviation of value less expected, over the long window."""


def score(
    values: Floats, per_day: int, first: int = 0, weight: Floats | None = None, newest: int | None = None
) -> Scores:
    """Score evenly spaced values; NaN is an unknown one. `per_day` values make a day.

    `first` is the place in the week of the first value, 0 = Monday midnight. `weight` is how many calls each value is
    the mean or the share of, so that one of few calls may be further off. Later values never change a score. With
    `newest`, only so many places at the end are compared with their neighbours, which is what takes time.
    """
    expectation = expected.expect(values, per_day, first)
    days = expected.Days(len(values), per_day, first)
    differences = (values - expectation.predictions) * (1.0 if weight is None else _trust(weight))
    _, whole, _ = moving.before(values, LONG)
    least = MATERIAL * np.nan_to_num(whole)
    opinions = np.array(
        [
            _worst(differences, expectation, least, LEVELS, two_sided=True),
            _worst(np.abs(differences), expectation, least, SPREADS, two_sided=False),
            _neighbours(values, newest),
            np.maximum(*(_run(_repeats(values, of_zero), days) for of_zero in (True, False))),
            _run(np.isnan(values), days),
        ]
    )
    opinions[:, : WARM_UP + 1] = 0.0
    return Scores(
        score=np.clip(opinions.max(axis=0), 0.0, CEILING),
        opinion=opinions.argmax(axis=0),
        expected=expectation.pick(expectation.predictions),
        spread=expectation.pick(np.array([moving.before(row, LONG)[1] for row in differences])),
    )


def _trust(weight: Floats) -> Floats:
    """Root of the weight over its usual one: noise shrinks with the root of what is averaged."""
    usual, _, _ = moving.before(weight, LONG)
    return np.sqrt(weight / np.where(usual > 0, usual, np.nan))


def _worst(
    rows: NDArray[np.float64],
    expectation: expected.Expectation,
    least: Floats,
    limits: Mapping[int, float],
    *,
    two_sided: bool,
) -> Floats:
    """The worst of the means of so many values, each against the past of the prediction that is chosen."""
    found = []
    for size, limit in limits.items():
        unusual = expectation.pick(np.array([_deviation(_last(row, size), least) for row in rows])) / limit
        found.append(np.abs(unusual) if two_sided else np.maximum(unusual, 0.0))
    worst: Floats = np.max(found, axis=0)
    return worst


def _neighbours(values: Floats, newest: int | None) -> Floats:
    known = ~np.isnan(values)
    _, spread, number = moving.before(values[known], LONG)
    distance = moving.nearest(values[known], WINDOW, LONG, newest)
    found = np.zeros(len(values))
    found[known] = np.where(number > WARM_UP, _over(distance, spread, values[known]), 0.0) / NEAREST
    return found


def _last(values: Floats, size: int) -> Floats:
    """Mean of the last `size` known values; unknown where the newest is."""
    known = ~np.isnan(values)
    found = np.full(len(values), np.nan)
    found[known] = moving.mean(values[known], size)
    return found


def _deviation(values: Floats, least: Floats) -> Floats:
    """How many of its standard deviations each value is from its mean of the long window; 0 where unknown."""
    middle, spread, number = moving.before(values, LONG)
    unusual = _over(np.nan_to_num(values - middle), np.maximum(np.nan_to_num(spread), least), middle)
    return np.where(number >= WARM_UP, unusual, 0.0)


def _over(differences: Floats, spread: Floats, size: Floats) -> Floats:
    """Differences over their spread; of a spread of nothing, the rounding of the values is left."""
    least = 1e-9 * np.maximum(1.0, np.abs(np.nan_to_num(size)))
    limited: Floats = np.clip(differences / np.maximum(np.nan_to_num(spread), least), -1e3, 1e3)
    return limited


def _repeats(values: Floats, of_zero: bool) -> NDArray[np.bool_]:
    """Whether each value equals the one before; zeros apart from others, since they repeat for their own reasons."""
    same = values[1:] == values[:-1]
    return np.concatenate(([False], same & ((values[1:] == 0) == of_zero)))


def _run(same: NDArray[np.bool_], days: expected.Days) -> Floats:
    """The chance of the present run as a power of ten, over `RARE`: one more of the same, at this time of such a day.

    What comes in runs of its own is likelier to go on than to begin, so the greater of both chances counts.
    """
    begins, seen = days.sums(same)
    followed, _ = days.sums(same & np.concatenate(([False], same[:-1])))
    begin = begins / np.maximum(seen, 1)
    go_on = (followed + PRIOR * begin) / (begins + PRIOR)
    surprise = -np.log10(np.clip(np.maximum(begin, go_on), RAREST, 1.0))
    total = np.cumsum(np.where(same & (seen >= LEAST_SEEN), surprise, 0.0))
    before = np.maximum.accumulate(np.where(same, 0.0, total))
    return (total - before) / RARE
