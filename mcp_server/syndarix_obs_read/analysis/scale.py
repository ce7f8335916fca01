"""The scale on which a series varies evenly, so that one spread holds by day and by night."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from syndarix_obs_read.analysis.moving import Floats


class Scale(StrEnum):
    """How the noise of a series grows with its level."""

    SUM = "sum"
    """Sums of many parts (calls, tokens, dollars): noise grows with the root of the level. Zero is a value."""
    SIZE = "size"
    """Sizes of one thing (seconds, tokens of a call): noise grows with the level. Zero or less is unknown."""
    SHARE = "share"
    """Parts of one (errors of calls). Zero is a value."""


def even(values: Floats, scale: Scale) -> Floats:
    """Values on the scale where their noise is even; NaN stays, and is also what the scale has no place for."""
    if scale is Scale.SUM:
        return np.sqrt(np.where(values >= 0, values, np.nan))
    if scale is Scale.SIZE:
        return np.log(np.where(values > 0, values, np.nan))
    return np.arcsin(np.sqrt(np.clip(values, 0.0, 1.0)))


def uneven(values: Floats, scale: Scale) -> Floats:
    """Back from there, in the unit of the series; bands that reach below nothing end there."""
    if scale is Scale.SUM:
        return np.maximum(values, 0.0) ** 2
    if scale is Scale.SIZE:
        return np.exp(values)
    return np.sin(np.clip(values, 0.0, np.pi / 2)) ** 2
