"""What a series should be at each place, from the values before it: long-run level, daily profile, weekly profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syndarix_obs_read.analysis import moving

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from syndarix_obs_read.analysis.moving import Floats

LONG = 4032
"""Values of the long window, two weeks of five minutes: the level's median, the profiles' errors, the spread of all."""

DAYS = 7
"""Earlier days in the daily profile, and as many of the same kind: working days and weekends are kept apart."""

WEEKS = 4
"""Earlier weeks in the weekly profile; it takes part once two are there."""

LEAST_IN_PROFILE = 4
"""Known values that a profile needs at a place; each earlier day gives three, its neighbours being looked at too."""

LEAST_ERRORS = 200
"""Places at which a profile must have been compared with what came, before it may be preferred to the level."""

MARGIN = 1.2
"""A profile must beat the level by this factor of mean square error; without a rhythm, noise alone sometimes does."""

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Expectation:
    """The three predictions at each place, and which of them erred least over the long window."""

    predictions: NDArray[np.float64]
    """One row each for level, day, week; NaN where there is none."""
    chosen: NDArray[np.int64]
    """Row of the best one."""

    def pick(self, rows: NDArray[np.float64]) -> Floats:
        """Of three rows the entry of the chosen prediction, at each place."""
        picked: Floats = rows[self.chosen, np.arange(rows.shape[1])]
        return picked


def expect(values: Floats, per_day: int, first: int) -> Expectation:
    """Predict each value from those before it. `first` is the first one's place in the week, 0 = Monday midnight."""
    level = moving.median_before(values, LONG, max(per_day // 24, 1))
    predictions = np.array([level, _daily(values, per_day, first), _weekly(values, per_day)])
    return Expectation(predictions, _least_error(values, predictions, LONG))


def _daily(values: Floats, per_day: int, first: int) -> Floats:
    """Mean of the same time on the last days of the same kind."""
    weekend = _weekend(len(values), per_day, first)
    of_kind = [np.where(weekend, np.nan, values), np.where(weekend, values, np.nan)]
    lags = [per_day * number for number in range(1, DAYS + 1)]
    working, free = (_profile(kind, lags) for kind in of_kind)
    return np.where(weekend, free, working)


def _weekly(values: Floats, per_day: int) -> Floats:
    """Mean of the same time on the same weekday."""
    return _profile(values, [7 * per_day * number for number in range(1, WEEKS + 1)])


def _profile(values: Floats, lags: list[int]) -> Floats:
    """Mean of the values `lags` places before, each with its two neighbours."""
    total, count = np.zeros(len(values)), np.zeros(len(values))
    for lag in (lag + beside for lag in lags for beside in (-1, 0, 1)):
        if 0 < lag < len(values):
            earlier = values[:-lag]
            total[lag:] += np.nan_to_num(earlier)
            count[lag:] += ~np.isnan(earlier)
    return np.where(count >= LEAST_IN_PROFILE, total / np.maximum(count, 1), np.nan)


def _least_error(values: Floats, predictions: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    """The row whose squared errors before each place are least; the level where no other has proven itself."""
    errors = np.full(predictions.shape, np.inf)
    for row, prediction in enumerate(predictions):
        average, _, number = moving.before((values - prediction) ** 2, size)
        proven = (number >= LEAST_ERRORS) & ~np.isnan(prediction)
        errors[row] = np.where(proven, average * (MARGIN if row else 1.0), np.inf)
    least: NDArray[np.int64] = errors.argmin(axis=0)
    return least


class Days:
    """Sums over about the same time of the days of two weeks before, working days and weekends apart."""

    def __init__(self, count: int, per_day: int, first: int) -> None:
        self._per_day = per_day
        self._places = np.arange(count)
        self._weekend = _weekend(count, per_day, first)

    def sums(self, flags: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """At each place how many flags were true then, and how many there were."""
        working = self._both(flags & ~self._weekend, ~self._weekend)
        free = self._both(flags & self._weekend, self._weekend)
        return np.where(self._weekend, free[0], working[0]), np.where(self._weekend, free[1], working[1])

    def _both(self, flags: NDArray[np.bool_], days: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        return self._sum(flags), self._sum(days)

    def _sum(self, flags: NDArray[np.bool_]) -> Floats:
        total = np.concatenate(([0.0], np.cumsum(flags, dtype=np.float64)))
        beside, end = max(self._per_day // 24, 1), len(flags)
        found = np.zeros(end)
        for lag in range(self._per_day, 15 * self._per_day, self._per_day):
            last = np.clip(self._places - lag + beside + 1, 0, end)
            found += total[last] - total[np.clip(self._places - lag - beside, 0, end)]
        return found


def _weekend(count: int, per_day: int, first: int) -> NDArray[np.bool_]:
    weekend: NDArray[np.bool_] = (first + np.arange(count)) // per_day % 7 >= SATURDAY
    return weekend
