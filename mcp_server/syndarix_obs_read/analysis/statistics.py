"""A few statistics by hand: means of clustered samples, their difference, Holm's correction, intervals of shares."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Final, TypeVar

Name = TypeVar("Name", bound=Hashable)

Z95: Final = 1.959964
"""Two-sided 95 % point of the normal distribution."""


def cluster_variance(sums: Sequence[float], sizes: Sequence[int]) -> float:
    """Variance of the mean of values that come in groups, such as calls in sessions; 0 for fewer than two groups.

    Args:
        sums: of the values of each group.
        sizes: number of values of each group.
    """
    total, groups = sum(sizes), len(sizes)
    if groups < 2 or not total:
        return 0.0
    mean = sum(sums) / total
    spread = sum((each - size * mean) ** 2 for each, size in zip(sums, sizes, strict=True))
    return spread / total**2 * groups / (groups - 1)


def upper_tail(z: float) -> float:
    """The probability that a standard normal value is above `z`."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def holm(chances: Mapping[Name, float]) -> dict[Name, float]:
    """P-values after Holm's correction for the number of looks, each at most 1."""
    corrected: dict[Name, float] = {}
    floor = 0.0
    for rank, (name, chance) in enumerate(sorted(chances.items(), key=lambda pair: pair[1])):
        floor = max(floor, min(1.0, chance * (len(chances) - rank)))
        corrected[name] = floor
    return corrected


def wilson(hits: int, total: int, z: float = Z95) -> tuple[float, float]:
    """Interval of a share, by Wilson; (0, 1) without observations."""
    if total <= 0:
        return 0.0, 1.0
    share, square = hits / total, z * z
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = z / (1 + square / total) * math.sqrt(share * (1 - share) / total + square / (4 * total**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def mean_interval(values: Sequence[float], z: float = Z95) -> tuple[float, float, float]:
    """Mean of values with an interval; the interval is the mean itself for a single value.

    Raises:
        ValueError: without values.
    """
    if not values:
        raise ValueError("a mean needs at least one value")
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, mean, mean
    spread = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    half = z * math.sqrt(spread / len(values))
    return mean, mean - half, mean + half


def kappa(left: Sequence[str], right: Sequence[str]) -> float | None:
    """Cohen's κ of two raters of the same things: agreement beyond chance, 1 at best; None where chance agrees always.

    Raises:
        ValueError: for lists of unequal length, or empty ones.
    """
    if not left or len(left) != len(right):
        raise ValueError("kappa needs two ratings of each thing, and at least one thing")
    total = len(left)
    agreed = sum(one == other for one, other in zip(left, right, strict=True)) / total
    names = set(left) | set(right)
    chance = sum(left.count(name) * right.count(name) for name in names) / total**2
    return None if chance == 1 else (agreed - chance) / (1 - chance)


def least_squares(cells: Mapping[tuple[int, ...], Sequence[float]], width: int, ridge: float = 1.0) -> list[float]:
    """Coefficients of a linear model from observations that were grouped by their row.

    Args:
        cells: for each row of predictors the number of observations and the sum of their values.
        width: number of predictors.
        ridge: keeps predictors that go together from growing against each other; in observations.
    """
    matrix = [[ridge * (row == column) for column in range(width)] + [0.0] for row in range(width)]
    for predictors, (count, total) in cells.items():
        present = [index for index, value in enumerate(predictors) if value]
        for row in present:
            matrix[row][width] += predictors[row] * total
            for column in present:
                matrix[row][column] += predictors[row] * predictors[column] * count
    return _solve(matrix)


def _solve(matrix: list[list[float]]) -> list[float]:
    """Gauss elimination with the largest pivot; the last column is the right side."""
    width = len(matrix)
    for step in range(width):
        pivot = max(range(step, width), key=lambda row: abs(matrix[row][step]))
        matrix[step], matrix[pivot] = matrix[pivot], matrix[step]
        for row in range(width):
            if row != step:
                factor = matrix[row][step] / matrix[step][step]
                matrix[row] = [value - factor * top for value, top in zip(matrix[row], matrix[step], strict=True)]
    return [matrix[row][width] / matrix[row][row] for row in range(width)]
