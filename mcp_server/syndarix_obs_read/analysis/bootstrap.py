"""An interval for a ratio of sums, by drawing the same sessions anew many times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

DRAWS: Final = 1_000
LEAST: Final = 5
"""Sessions below which an interval says nothing."""
_AT_ONCE: Final = 1_000_000
"""Numbers that are drawn at once, for the memory they take."""
_SEED: Final = 20_261_128
"""Fixed, so that the same question has the same answer."""


def ratio_interval(
    above: Sequence[float], below: Sequence[float], level: float = 0.95
) -> tuple[float | None, float | None]:
    """Percentile bootstrap of `sum(above) / sum(below)` over pairs, such as dollars and successes of sessions.

    Args:
        above: one number for each session.
        below: one number for each session.
        level: share of the draws between the ends.

    Returns:
        Both ends; None for an end that is beyond every bound (draws without a success), and for both of too few.
    """
    count = len(above)
    if count < LEAST or not sum(below):
        return None, None
    tops, bottoms = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    chance = np.random.default_rng(_SEED)
    ratios: list[float] = []
    while len(ratios) < DRAWS:
        chosen = chance.integers(0, count, (min(DRAWS - len(ratios), max(1, _AT_ONCE // count)), count))
        won = bottoms[chosen].sum(axis=1)
        ratios += np.divide(tops[chosen].sum(axis=1), won, out=np.full(len(won), np.inf), where=won > 0).tolist()
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return _finite(float(low)), _finite(float(high))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
