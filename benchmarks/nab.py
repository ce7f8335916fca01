"""The detector on labelled series of the Numenta Anomaly Benchmark, in the published scoring.

    python benchmarks/nab.py nab.jsonl.gz [--json] [--series]

A line of the file is `{name, timestamps, values, windows}`. Detections are the alarms of `analysis.episodes` over
`analysis.detector`, as `syndarix-obs watch` raises them: one threshold, fixed there, for all series and all three
profiles. A score looks at no later row. In place of the watch's first day, the benchmark's own probationary rows are
silent. The file is read as gzip when its name ends in .gz. `seconds` is the time for all of it, reading and scoring
included.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads for products this small only wait for each other

import numpy as np

import nab_scoring
from nab_scoring import Counted, Window
from syndarix_obs_read.analysis import detector
from syndarix_obs_read.analysis.episodes import alarms, episodes

DAY = 86_400
MONDAY = 4 * DAY
"""The first Monday after the epoch."""


@dataclass(frozen=True)
class Series:
    """One line of the file."""

    name: str
    seconds: list[int]
    values: list[float]
    windows: list[Window]


def read(path: Path) -> Iterator[Series]:
    """All series of the file."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield _series(json.loads(line))
            except (ValueError, KeyError, TypeError) as problem:
                sys.exit(f"{path}:{number} is not {{name, timestamps, values, windows}}: {problem!r}")


def _series(line: dict[str, Any]) -> Series:
    seconds = [_seconds(text) for text in line["timestamps"]]
    windows = [_window(seconds, *map(_seconds, ends)) for ends in line["windows"]]
    return Series(line["name"], seconds, [float(value) for value in line["values"]], windows)


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _window(seconds: list[int], begins: int, ends: int) -> Window:
    """The rows between two times, which need not be rows themselves."""
    inside = [row for row, second in enumerate(seconds) if begins <= second <= ends]
    if not inside:
        raise ValueError(f"no row lies within the window from {begins} to {ends}")
    return Window(inside[0], inside[-1])


def detections(series: Series) -> list[int]:
    """Rows at which an alarm is raised."""
    seconds = np.array(series.seconds)
    step = int(np.median(np.diff(seconds)))
    places = np.maximum.accumulate((seconds - seconds[0]) // step)
    values = np.full(int(places[-1]) + 1, np.nan)  # evenly spaced; rows that are missing are unknown
    values[places] = series.values
    first = (series.seconds[0] - MONDAY) % (7 * DAY) // step
    scores = detector.score(values, DAY // step, first).score[places]
    return alarms(episodes(scores.tolist(), warm_up=nab_scoring.probation(len(seconds))))


def main() -> None:
    """Detect, score, print."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("file", type=Path)
    options.add_argument("--json", action="store_true", help="the figures as one JSON object")
    options.add_argument("--series", action="store_true", help="what was found on each series, too")
    chosen = options.parse_args()
    began = time.perf_counter()
    counted: dict[str, Counted] = {}
    for series in read(chosen.file):
        found = detections(series)
        counted[series.name] = nab_scoring.count(len(series.values), series.windows, found)
        if chosen.series:
            one = counted[series.name]
            print(f"{series.name:60} {len(found):3} alarms, {one.found} of {one.windows} windows", file=sys.stderr)
    if not any(one.windows for one in counted.values()):
        sys.exit(f"{chosen.file} has no labelled window after the first 15% of a series: nothing to score")
    figures = {name: nab_scoring.score(counted.values(), profile) for name, profile in nab_scoring.PROFILES.items()}
    figures["seconds"] = time.perf_counter() - began
    if chosen.json:
        print(json.dumps(figures))
        return
    print(f"{len(counted)} series, {sum(one.windows for one in counted.values())} windows")
    for name, value in figures.items():
        print(f"  {name:9} {value:6.1f}")


if __name__ == "__main__":
    main()
