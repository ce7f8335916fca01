"""An interval for a ratio of sums, by drawing the same sessions anew many times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

DRAWS: Final = 1_000
LEAST: Final = 5
"""Sessions below which an interval says nothing."""
BLOCKS: Final = 500
"""Sessions beyond which they are drawn in so many blocks."""
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
    chance = np.random.default_rng(_SEED)
    pairs = np.column_stack([np.asarray(above, dtype=float), np.asarray(below, dtype=float)])
    if count > BLOCKS:  # blocks vary as their sessions do, and a draw of blocks costs the same for any number
        chance.shuffle(pairs)
        pairs = np.array([block.sum(axis=0) for block in np.array_split(pairs, BLOCKS)])
    drawn = pairs[chance.integers(0, len(pairs), (DRAWS, len(pairs)))].sum(axis=1)
    tops, bottoms = drawn[:, 0], drawn[:, 1]
    ratios = np.divide(tops, bottoms, out=np.full(DRAWS, np.inf), where=bottoms > 0)
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return _finite(float(low)), _finite(float(high))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
