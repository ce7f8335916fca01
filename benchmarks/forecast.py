"""Forecasts of a month's total, asked at days 3, 7, 14, 21 and 28 of every whole month of daily series.

    python benchmarks/forecast.py daily_series.csv [--json]

The file has the columns `series,date,value`. A forecast sees the values up to the day asked and no later one. Months
with a missing day are not scored, nor are those before there is a forecast (14 known days). The error is |forecast ÷
actual − 1|. Printed, in parts of one: the mean over series of the median error over all days asked
(`mean_of_medians`, and `run_rate` for days so far ÷ days gone × days of the month), the same at day 3 alone (`day3`),
the share of months that ended within the 80% interval, over all forecasts (`coverage`) and on the worst series
(`worst_coverage`).
"""

from __future__ import annotations

import argparse
import calendar
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import fmean, median

from syndarix_obs_read.analysis.forecast import Forecast, forecast

ASKED = (3, 7, 14, 21, 28)
COLUMNS = {"series", "date", "value"}


@dataclass(frozen=True)
class Scored:
    """One forecast against what the month came to."""

    day: int
    error: float
    run_rate_error: float
    covered: bool


def read(path: Path) -> dict[str, dict[date, float]]:
    """Values by series and day."""
    found: dict[str, dict[date, float]] = defaultdict(dict)
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if missing := COLUMNS - set(rows.fieldnames or ()):
            sys.exit(f"{path} lacks the columns {', '.join(sorted(missing))}; its first line has to name {COLUMNS}")
        for row in rows:
            found[row["series"]][date.fromisoformat(row["date"][:10])] = float(row["value"])
    return found


def whole_months(values: dict[date, float]) -> Iterator[list[date]]:
    """The days of each month that has a value on every one of them."""
    for first in sorted({day.replace(day=1) for day in values}):
        count = calendar.monthrange(first.year, first.month)[1]
        days = [first + timedelta(days=number) for number in range(count)]
        if all(day in values for day in days):
            yield days


def backtest(values: dict[date, float]) -> Iterator[Scored]:
    """All forecasts of one series."""
    for days in whole_months(values):
        actual = sum(values[day] for day in days)
        for number in ASKED:
            said = forecast(values, days[number - 1])
            if isinstance(said, Forecast) and said.run_rate is not None and actual > 0:
                yield Scored(
                    number,
                    abs(said.expected / actual - 1),
                    abs(said.run_rate / actual - 1),
                    # A month without a day left has no width; floating sums of it may differ in the last digit.
                    said.low * (1 - 1e-9) <= actual <= said.high * (1 + 1e-9),
                )


def figures(series: dict[str, list[Scored]]) -> dict[str, float]:
    """The five figures over all series that have a forecast."""
    scored = {name: found for name, found in series.items() if found}
    first = [[one.error for one in found if one.day == ASKED[0]] for found in scored.values()]
    return {
        "mean_of_medians": fmean(median(one.error for one in found) for found in scored.values()),
        "day3": fmean(median(errors) for errors in first if errors),
        "coverage": fmean(one.covered for found in scored.values() for one in found),
        "worst_coverage": min(fmean(one.covered for one in found) for found in scored.values()),
        "run_rate": fmean(median(one.run_rate_error for one in found) for found in scored.values()),
    }


def main() -> None:
    """Read, score, print."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("file", type=Path)
    options.add_argument("--json", action="store_true", help="the figures as one JSON object")
    chosen = options.parse_args()
    series = {name: list(backtest(values)) for name, values in read(chosen.file).items()}
    if not any(series.values()):
        sys.exit(f"{chosen.file} has no whole month after two weeks of history: nothing to score")
    found = figures(series)
    if chosen.json:
        print(json.dumps(found))
        return
    print(f"{sum(map(len, series.values()))} forecasts of {len(series)} series")
    for name, value in found.items():
        print(f"  {name:16} {value:7.2%}")


if __name__ == "__main__":
    main()
