"""How unusual each value of a series is, from the values up to it alone: the larger of several opinions.

Level: the mean of the last 1, 3 and 12 values, less what was expected, over its own spread of the last two weeks. Spread:
the same for the size of those differences. Neighbours: no window of the last two weeks looks like the last ten values.
Stuck: one value for longer than ever. Missing: no value for longer than ever. Each is divided by its limit, so that 1 is
where an alarm begins and 2 is twice as bad.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syndarix_obs_read.analysis import expected, moving

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from syndarix_obs_read.analysis.moving import Floats

LEVELS = {1: 12.0, 3: 8.0, 12: 4.4}
"""Values averaged, and how many standard deviations such a mean may be off."""

SPREAD = (12, 7.0)
"""The same for the mean size of the differences: values that vary more than they did."""

WINDOW = 10
"""Values of a window that is compared with earlier ones."""

NEAREST = 1.5
"""Distance to the nearest earlier window, in standard deviations of the series."""

STUCK = 3
"""Repeats in a row that are an alarm where values hardly ever repeat; else twice the longest run there was."""

MISSING = 3
"""Unknown values in a row, likewise."""

MATERIAL = 0.05
"""Differences count against at least this share of the whole series' standard deviation: a rhythm kept to the last digit
leaves no error of its own to compare with."""

LEAST_KNOWN = 200
"""Known values in the long window before a run of equal or missing ones says anything."""

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


def score(values: Floats, per_day: int, first: int = 0) -> Scores:
    """Score evenly spaced values; NaN is an unknown one. `per_day` values make a day.

    `first` is the place in the week of the first value, 0 = Monday midnight. A score never changes when values are added.
    """
    expectation = expected.expect(values, per_day, first)
    long = expected.LONG
    rows = values - expectation.predictions
    _, whole, _ = moving.before(values, long)
    least = MATERIAL * np.nan_to_num(whole)
    opinions = np.array(
        [
            _level(rows, expectation, long, least),
            _spread(expectation.pick(rows), long, least),
            _neighbours(values, long),
            _runs(_repeats(values), ~np.isnan(values), STUCK, long),
            _runs(np.isnan(values), ~np.isnan(values), MISSING, long),
        ]
    )
    opinions[:, : WARM_UP + 1] = 0.0
    _, spread, _ = moving.before(expectation.pick(rows), long)
    return Scores(
        score=np.clip(opinions.max(axis=0), 0.0, CEILING),
        opinion=opinions.argmax(axis=0),
        expected=expectation.pick(expectation.predictions),
        spread=spread,
    )


def _level(rows: NDArray[np.float64], expectation: expected.Expectation, long: int, least: Floats) -> Floats:
    """The worst of the means, each against the past errors of the prediction that is chosen."""
    found = []
    for size, limit in LEVELS.items():
        unusual = np.array([_deviation(_last(row, size), long, least) for row in rows])
        found.append(np.abs(expectation.pick(unusual)) / limit)
    worst: Floats = np.max(found, axis=0)
    return worst


def _spread(differences: Floats, long: int, least: Floats) -> Floats:
    size, limit = SPREAD
    return np.maximum(_deviation(_last(np.abs(differences), size), long, least), 0.0) / limit


def _neighbours(values: Floats, long: int) -> Floats:
    known = ~np.isnan(values)
    _, spread, number = moving.before(values[known], long)
    distance = moving.nearest(values[known], WINDOW, long)
    found = np.zeros(len(values))
    found[known] = np.where(number > WARM_UP, _over(distance, spread, values[known]), 0.0) / NEAREST
    return found


def _last(values: Floats, size: int) -> Floats:
    """Mean of the last `size` known values; unknown where the newest is."""
    known = ~np.isnan(values)
    found = np.full(len(values), np.nan)
    found[known] = moving.mean(values[known], size)
    return found


def _deviation(values: Floats, long: int, least: Floats) -> Floats:
    """How many of its standard deviations each value is from its mean of the long window; 0 where unknown."""
    middle, spread, number = moving.before(values, long)
    return np.where(number >= WARM_UP, _over(np.nan_to_num(values - middle), np.maximum(np.nan_to_num(spread), least), middle), 0.0)


def _over(differences: Floats, spread: Floats, size: Floats) -> Floats:
    """Differences over their spread; of a spread of nothing, the rounding of the values is left."""
    least = 1e-9 * np.maximum(1.0, np.abs(np.nan_to_num(size)))
    limited: Floats = np.clip(differences / np.maximum(np.nan_to_num(spread), least), -1e3, 1e3)
    return limited


def _repeats(values: Floats) -> NDArray[np.bool_]:
    """Whether each value equals the one before."""
    return np.concatenate(([False], values[1:] == values[:-1]))


def _runs(same: NDArray[np.bool_], known: NDArray[np.bool_], least: int, long: int) -> Floats:
    """Length of the present run over what it may be: `least`, or twice the longest run of the long window before it."""
    runs = moving.run_lengths(same)
    longest = _longest_before(runs, long)
    total = np.concatenate(([0.0], np.cumsum(known & ~same)))
    places = np.arange(len(same))
    changes = total[places] - total[np.maximum(places - long, 0)]
    return np.where(changes >= LEAST_KNOWN, runs / np.maximum(least, 2 * longest + 1), 0.0)


def _longest_before(runs: Floats, long: int) -> Floats:
    """The longest run that had ended before the present one began, within the long window and in steps of a tenth of it."""
    ended = np.where(np.append(runs[1:], 0) == 0, runs, 0.0)
    step = max(long // 10, 1)
    found = np.zeros(len(runs))
    for first in range(0, len(runs), step):
        last = min(first + step, len(runs))
        past = ended[max(0, first - long) : first]
        newest = np.maximum.accumulate(np.concatenate(([past.max(initial=0.0)], ended[first : last - 1])))
        found[first:last] = newest[: last - first]
    return found
