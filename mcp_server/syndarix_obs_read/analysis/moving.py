"""Moving sums over a series, each from the values up to a place only: means, spread, medians, nearest earlier windows.

Series are float arrays of numpy; NaN is an unknown value and is left out of every sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BLOCK = 256
"""Windows compared at a time: keeps the table of distances within a few megabytes."""


def sums(values: Floats) -> tuple[Floats, Floats]:
    """Cumulative sum and count of the known values; entry i covers the first i values."""
    known = ~np.isnan(values)
    return _cumulative(np.where(known, values, 0.0)), _cumulative(known)


def mean(values: Floats, size: int) -> Floats:
    """Mean of the last `size` values up to and with each place; NaN where none of them is known."""
    total, count = sums(values)
    last = np.arange(1, len(values) + 1)
    first = np.maximum(last - size, 0)
    return _divide(total[last] - total[first], count[last] - count[first])


def before(values: Floats, size: int) -> tuple[Floats, Floats, Floats]:
    """Mean, standard deviation and number of the known values among the `size` before each place."""
    known = values[~np.isnan(values)]
    shift = float(known[0]) if len(known) else 0.0  # squares of what is far from zero would lose their digits
    total, count = sums(values - shift)
    squares, _ = sums((values - shift) ** 2)
    last = np.arange(len(values))
    first = np.maximum(last - size, 0)
    number = count[last] - count[first]
    middle = _divide(total[last] - total[first], number)
    variance = _divide(squares[last] - squares[first], number) - middle**2
    return middle + shift, np.sqrt(np.maximum(variance, 0.0)), number


def median_before(values: Floats, size: int, every: int) -> Floats:
    """Median of the `size` values before, looked at anew every `every` places; NaN before the first look."""
    found = np.full(len(values), np.nan)
    for place in range(every, len(values), every):
        window = values[max(0, place - size) : place]
        window = window[~np.isnan(window)]
        if len(window):
            found[place : place + every] = np.median(window)
    return found


def nearest(values: Floats, length: int, memory: int, newest: int | None = None) -> Floats:
    """Distance of the window that ends at each place to the nearest of the `memory` windows before it.

    Root mean square of the differences, in the unit of the values; 0 where there is no earlier window. Windows that
    overlap are no neighbours. Unknown values count as the one before. `newest` looks at the last so many places alone.
    """
    found = np.zeros(len(values))
    if len(values) < 2 * length:
        return found
    windows = np.lib.stride_tricks.sliding_window_view(_filled(values).astype(np.float32), length)
    squares = (windows * windows).sum(axis=1)
    begin = length if newest is None else max(length, len(windows) - newest)
    for first in range(begin, len(windows), BLOCK):
        last = min(first + BLOCK, len(windows))
        start = max(0, first - length - memory + 1)
        products = windows[first:last] @ windows[start:last].T
        distances = squares[first:last, None] + squares[None, start:last] - 2 * products
        place, other = np.arange(first, last)[:, None], np.arange(start, last)[None, :]
        distances[(other > place - length) | (other <= place - length - memory)] = np.inf
        found[first + length - 1 : last + length - 1] = np.sqrt(np.maximum(distances.min(axis=1), 0.0) / length)
    return found


def _filled(values: Floats) -> Floats:
    """Unknown values as the last known one before; 0 before the first."""
    places = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    return np.where(places >= 0, values[places], 0.0)


def _cumulative(values: NDArray[np.float64] | NDArray[np.bool_]) -> Floats:
    return np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))


def _divide(total: Floats, count: Floats) -> Floats:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
