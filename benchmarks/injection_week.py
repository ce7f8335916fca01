"""Sixty days of an agent's week, made up from a seed, and eight ways to disturb them.

Calls follow the clock (few at night, a third at weekends) with Poisson noise and slow swings of their own. Each call
has tokens, a duration and a price drawn from skewed distributions, and now and then an error; all of them grow with
the load. A value is what the calls of five minutes come to, as records would give it; shares and sizes of fewer than
five calls are unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syndarix_obs_read.analysis.scale import Scale, even, uneven

Floats = NDArray[np.float64]
PER_DAY = 288
DAYS = 60
LEAST_CALLS = 5
BUSIEST = 60.0
"""Calls in five minutes at the busiest hour."""

SERIES = {
    "calls": Scale.SUM,
    "cost": Scale.SUM,
    "tokens_per_call": Scale.SIZE,
    "latency_p50": Scale.SIZE,
    "error_rate": Scale.SHARE,
}


def week(seed: int, days: int = DAYS) -> dict[str, Floats]:
    """The five undisturbed series, from a Monday midnight on."""
    chance = np.random.default_rng(seed)
    busy = _busy(np.arange(days * PER_DAY))
    calls = chance.poisson(BUSIEST * busy * np.exp(_swings(chance, len(busy), 0.08)))
    made: dict[str, list[float]] = {name: [] for name in SERIES}
    for number, load in zip(calls, busy, strict=True):
        known = number >= LEAST_CALLS
        tokens = chance.lognormal(7.0 + 0.5 * load, 0.6, number)
        seconds = chance.lognormal(0.8 + 0.7 * load, 0.5, number)
        errors = chance.random(number) < 0.01 + 0.04 * load
        made["calls"].append(float(number))
        made["cost"].append(float(tokens.sum() * 4e-6))
        made["tokens_per_call"].append(float(tokens.mean()) if known else np.nan)
        made["latency_p50"].append(float(np.median(seconds)) if known else np.nan)
        made["error_rate"].append(float(errors.mean()) if known else np.nan)
    return {name: np.array(values) for name, values in made.items()}


def _busy(places: NDArray[np.int64]) -> Floats:
    """Load from 0.03 to 1: a day with a hump from eight to six and a lunch break, a third of it at weekends."""
    hour = places % PER_DAY / PER_DAY * 24
    hump = np.exp(-(((hour - 10.5) / 2.6) ** 2)) + 0.9 * np.exp(-(((hour - 15.5) / 2.8) ** 2))
    weekend = places // PER_DAY % 7 >= 5
    return 0.03 + 0.97 * hump / 1.08 * np.where(weekend, 0.33, 1.0)


def _swings(chance: np.random.Generator, count: int, size: float) -> Floats:
    """Slow changes of their own, some hours long."""
    found, now = np.empty(count), 0.0
    steps = chance.normal(0, size * np.sqrt(1 - 0.97**2), count)
    for place, step in enumerate(steps):
        now = 0.97 * now + step
        found[place] = now
    return found


@dataclass(frozen=True)
class Injected:
    """A disturbed series."""

    values: Floats
    first: int
    """The first bucket that is disturbed by as much as one would call an anomaly; a delay counts from here."""
    last: int


Shape = Callable[[Floats, int, Scale, np.random.Generator], Injected]
"""Takes a series, the bucket to begin at, its scale and chance."""

FACTOR = {Scale.SUM: 2.5, Scale.SIZE: 1.8, Scale.SHARE: 8.0}
"""How many times as much an anomaly is: calls, dollars; seconds, tokens of a call; share of errors (5% become 40%)."""


def _times(values: Floats, factor: Floats | float, scale: Scale) -> Floats:
    changed = values * factor
    return np.minimum(changed, 1.0) if scale is Scale.SHARE else changed


def spike(values: Floats, at: int, scale: Scale, _: np.random.Generator) -> Injected:
    """Three buckets of twice the anomaly."""
    return _scaled(values, at, np.full(3, 2 * FACTOR[scale]), scale)


def step(values: Floats, at: int, scale: Scale, _: np.random.Generator) -> Injected:
    """Six hours of it."""
    return _scaled(values, at, np.full(72, FACTOR[scale]), scale)


def ramp(values: Floats, at: int, scale: Scale, _: np.random.Generator) -> Injected:
    """It grows over two hours and stays for two; it counts from when the whole size is reached."""
    grows = FACTOR[scale] ** np.linspace(0, 1, 24)
    made = _scaled(values, at, np.concatenate((grows, np.full(24, FACTOR[scale]))), scale)
    return Injected(made.values, at + 23, made.last)


def variance(values: Floats, at: int, scale: Scale, chance: np.random.Generator) -> Injected:
    """Three hours in which each bucket is as far off as the anomaly or more, now above and now below."""
    sign = np.where(np.arange(36) % 2, 1.0, -1.0)
    return _scaled(values, at, FACTOR[scale] ** (sign * chance.uniform(1.0, 1.6, 36)), scale)


def stuck(values: Floats, at: int, _: Scale, __: np.random.Generator) -> Injected:
    """Three hours of the value before."""
    changed = values.copy()
    changed[at : at + 36] = values[at - 1]
    return Injected(changed, at, at + 35)


def drop(values: Floats, at: int, scale: Scale, _: np.random.Generator) -> Injected:
    """Two hours of nothing; of sizes, of a hundredth."""
    return _scaled(values, at, np.full(24, 0.01 if scale is Scale.SIZE else 0.0), scale)


def weekly_shape(values: Floats, at: int, _: Scale, __: np.random.Generator) -> Injected:
    """From ten to six a Saturday is as busy as the Thursday before. `at` says which week."""
    saturday = at // (7 * PER_DAY) * 7 * PER_DAY + 5 * PER_DAY
    first, last = saturday + 10 * PER_DAY // 24, saturday + 18 * PER_DAY // 24
    changed = values.copy()
    changed[first:last] = values[first - 2 * PER_DAY : last - 2 * PER_DAY]
    return Injected(changed, first, last - 1)


def missing(values: Floats, at: int, _: Scale, __: np.random.Generator) -> Injected:
    """Two hours without a record."""
    changed = values.copy()
    changed[at : at + 24] = np.nan
    return Injected(changed, at, at + 23)


def _scaled(values: Floats, at: int, factors: Floats, scale: Scale) -> Injected:
    changed = values.copy()
    changed[at : at + len(factors)] = _times(values[at : at + len(factors)], factors, scale)
    return Injected(changed, at, at + len(factors) - 1)


SHAPES: dict[str, Shape] = {
    "spike": spike,
    "step": step,
    "ramp": ramp,
    "variance": variance,
    "stuck": stuck,
    "drop to zero": drop,
    "weekly shape": weekly_shape,
    "missing": missing,
}

__all__ = ["PER_DAY", "SERIES", "SHAPES", "Injected", "even", "uneven", "week"]
