"""Statistics of confidence against outcome: reliability by bins of equal count, Brier score and its parts, ECE."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

NEEDED: Final = 100
"""Outcomes below which nothing is said."""
_BINS: Final = 10
_Z: Final = 1.959963984540054
"""Of a 95% interval."""
_SATURATED: Final = 0.05
"""Standard deviation of confidence below which all values are as good as one: nothing can be calibrated by it."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Decisions of about the same confidence: how many, how sure on average, how often right, with a 95% interval."""

    count: int
    confidence: float
    success: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well confidence tells the outcome. Brier score = reliability − resolution + uncertainty + within bins."""

    bins: tuple[Bin, ...]
    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    ece: float


def refusal(sure: Sequence[float]) -> str | None:
    """Why nothing can be said about these, None when something can."""
    if len(sure) < NEEDED:
        return f"not enough: {len(sure)} outcomes, {NEEDED} are needed"
    mean = math.fsum(sure) / len(sure)
    spread = math.sqrt(math.fsum((each - mean) ** 2 for each in sure) / len(sure))
    if spread < _SATURATED:
        return f"saturated: confidence is {mean:.2f} nearly always (standard deviation {spread:.3f}); it tells nothing"
    return None


def calibrate(pairs: Sequence[tuple[float, bool]]) -> Calibration:
    """Statistics of (confidence 0 to 1, success).

    Raises:
        ValueError: see `refusal`.
    """
    problem = refusal([sure for sure, _right in pairs])
    if problem is not None:
        raise ValueError(problem)
    ordered = sorted(pairs, key=lambda pair: pair[0])
    groups = [group for group in _equal_counts(ordered) if group]
    bins = tuple(_bin(group) for group in groups)
    count = len(ordered)
    base = sum(right for _sure, right in ordered) / count
    return Calibration(
        bins=bins,
        brier=math.fsum((sure - right) ** 2 for sure, right in ordered) / count,
        reliability=math.fsum(b.count * (b.confidence - b.success) ** 2 for b in bins) / count,
        resolution=math.fsum(b.count * (b.success - base) ** 2 for b in bins) / count,
        uncertainty=base * (1 - base),
        ece=_unbiased_ece(bins, count),
    )


def _equal_counts(ordered: Sequence[tuple[float, bool]]) -> list[list[tuple[float, bool]]]:
    """Bins of about equal count; equal confidences are never parted."""
    bins: list[list[tuple[float, bool]]] = []
    size = len(ordered) / _BINS
    start = 0
    for number in range(1, _BINS + 1):
        end = max(start, round(number * size))
        while 0 < end < len(ordered) and ordered[end][0] == ordered[end - 1][0]:
            end += 1
        bins.append(list(ordered[start:end]))
        start = end
    return bins


def _bin(group: Sequence[tuple[float, bool]]) -> Bin:
    right = sum(each for _sure, each in group)
    low, high = wilson(right, len(group))
    return Bin(len(group), math.fsum(sure for sure, _right in group) / len(group), right / len(group), low, high)


def _unbiased_ece(bins: Sequence[Bin], count: int) -> float:
    """Mean distance of confidence and success over the bins, without what chance alone adds to it.

    A perfectly calibrated set of a few hundred would show some points of distance in each bin; each bin's squared
    distance is lessened by the variance of its success rate.
    """
    total = 0.0
    for each in bins:
        chance = each.success * (1 - each.success) / max(1, each.count - 1)
        total += each.count * math.sqrt(max(0.0, (each.confidence - each.success) ** 2 - chance))
    return total / count


def wilson(right: int, count: int) -> tuple[float, float]:
    """95% interval of a share."""
    if not count:
        return 0.0, 1.0
    share, square = right / count, _Z * _Z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = _Z / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)
