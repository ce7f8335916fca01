"""Planted anomalies in five series of an agent's week: how many are found, how soon, and how many alarms are false.

    python benchmarks/injection.py [--seeds 3] [--json]

Each of the eight shapes is planted once in each series of each seed, in the busy hours of a working day after the
third week (`injection_week.py` says how large each is). Found: an alarm between the first disturbed bucket and an
hour after the last. Delay: buckets from the first disturbed one to the alarm. False: alarms of the undisturbed
series, by 30 days of a series; also those of its first 24 hours, and from Sunday noon to Monday noon.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads for products this small only wait for each other

import numpy as np

from injection_week import PER_DAY, SERIES, SHAPES, Floats, Injected, week
from syndarix_obs_read.analysis.detector import score
from syndarix_obs_read.analysis.episodes import Episode, alarms, episodes
from syndarix_obs_read.analysis.scale import Scale, even

MONTH = 30 * PER_DAY


@dataclass(frozen=True)
class Tried:
    """One planted anomaly."""

    series: str
    shape: str
    delay: int | None
    """Buckets; None when it was not found."""


def watch(values: Floats, scale: Scale, calls: Floats) -> list[Episode]:
    """The episodes of a series that begins on a Monday at midnight, as `syndarix-obs watch` finds them."""
    weight = None if scale is Scale.SUM else calls[: len(values)]
    return episodes(score(even(values, scale), PER_DAY, weight=weight).score.tolist(), warm_up=PER_DAY)


def delay(planted: Injected, scale: Scale, calls: Floats) -> int | None:
    """Buckets until an alarm; None without one. What comes later than an hour after its end is not looked at."""
    seen = planted.values[: planted.last + 13]
    found = [place for place in alarms(watch(seen, scale, calls)) if place >= planted.first - 24]
    # A ramp may be noticed before it has its whole size.
    return max(min(found) - planted.first, 0) if found else None


def plant(series: dict[str, Floats], seed: int, only: Collection[str] = SERIES) -> Iterator[Tried]:
    """Every shape once in every series, or in those named."""
    chance = np.random.default_rng(1_000 + seed)
    for name, values in ((name, values) for name, values in series.items() if name in only):
        for shape, disturb in SHAPES.items():
            day = int(chance.integers(3, 8)) * 7 + int(chance.integers(0, 5))
            at = day * PER_DAY + int(chance.integers(9 * PER_DAY // 24, 16 * PER_DAY // 24))
            planted = disturb(values, at, SERIES[name], chance)
            yield Tried(name, shape, delay(planted, SERIES[name], series["calls"]))


def quiet(series: dict[str, Floats]) -> dict[str, float]:
    """Alarms of undisturbed series: in all, in the first 24 hours, around the turn of the week."""
    found = {name: alarms(watch(values, SERIES[name], series["calls"])) for name, values in series.items()}
    places = [place for one in found.values() for place in one]
    turn = [place for place in places if (place + PER_DAY // 2) // PER_DAY % 7 == 0 and place >= PER_DAY]
    months = sum(map(len, series.values())) / MONTH
    early = [place for place in places if place < PER_DAY]
    return {"false": len(places) / months, "first_day": float(len(early)), "sunday_to_monday": float(len(turn))}


def main() -> None:
    """Plant, look, print."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--json", action="store_true", help="the figures as one JSON object")
    chosen = options.parse_args()
    tried: list[Tried] = []
    calm: dict[str, list[float]] = defaultdict(list)
    for seed in range(chosen.seeds):
        series = week(seed)
        tried += plant(series, seed)
        for name, value in quiet(series).items():
            calm[name].append(value)
    delays = [one.delay for one in tried if one.delay is not None]
    figures = {
        "planted": len(tried),
        "recall": len(delays) / len(tried),
        "median_delay": statistics.median(delays),
        "delay_of_95_percent": float(np.quantile(delays, 0.95)),
        "within_3_buckets": sum(delay <= 3 for delay in delays) / len(delays),
        "false_per_series_month": statistics.fmean(calm["false"]),
        "first_day": sum(calm["first_day"]),
        "sunday_to_monday": sum(calm["sunday_to_monday"]),
    }
    if chosen.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"  {name:24} {value:8.3f}")
    for shape in SHAPES:
        row = {name: [one.delay for one in tried if (one.series, one.shape) == (name, shape)] for name in SERIES}
        print(f"  {shape:14}", "  ".join(f"{name} {' '.join('-' if d is None else str(d) for d in found)}"
                                        for name, found in row.items()))  # fmt: skip


if __name__ == "__main__":
    main()
