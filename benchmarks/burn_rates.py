"""Days of normal weekly rhythms against the burn-rate rules, with promtool: how often they page.

    python benchmarks/burn_rates.py [--days 90] [--every 10m] [--seeds 1] [--json]

Two rhythms, an office and a shop, each spending the month's budget with days and minutes that differ by chance. Every
burn-rate alert is asked for at every evaluation, once the first hour is over. Exits with 1 when one of them pages.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
RULES = [str(ROOT / "prometheus" / "rules" / name) for name in ("0-thresholds.yml", "4-spend-burn.yml")]
STEP_MINUTES = 5
ALERTS = ("BudgetBurnsFast", "BudgetBurns", "BudgetBurnsSlowly")
BUDGET = 1_000.0
"""Dollars of a month, the default threshold."""


def office(weekday: int, hour: int) -> float:
    """Work from 8 to 18, little at night and at weekends."""
    if weekday >= 5:
        return 0.15
    return 1.0 if 8 <= hour < 18 else 0.1


def shop(weekday: int, hour: int) -> float:
    """The evenings of the weekend are the dearest."""
    return (2.0 if weekday >= 4 else 1.0) * (1.5 if 17 <= hour < 23 else 0.6)


def spend(rhythm: Callable[[int, int], float], seed: int, days: int) -> Iterator[float]:
    """Dollars of each five minutes: a month comes to the budget; days and minutes differ by chance."""
    chance = random.Random(seed)
    week = sum(rhythm(at // 24, at % 24) for at in range(7 * 24)) * 60 / STEP_MINUTES
    unit = BUDGET * 7 / 30.4 / week
    for day in range(days):
        today = chance.lognormvariate(0, 0.1)
        for at in range(24 * 60 // STEP_MINUTES):
            yield unit * rhythm(day % 7, at * STEP_MINUTES // 60) * today * chance.lognormvariate(0, 0.3)


RHYTHMS = {"office": office, "shop": shop}


def fired(folder: Path, series: dict[str, list[float]], minutes: range, every: str) -> str:
    """What promtool says when it expects silence at every one of these minutes; empty when it agrees.

    Args:
        folder: for the test's file.
        series: dollars of each five minutes, by project.
        minutes: when to ask.
        every: how often rules are evaluated.
    """
    named = [
        {
            "series": f'project:llm_cost_dollars:spent1m{{project="{name}"}}',
            "values": " ".join(f"{each:.5f}" for each in values),
        }
        for name, values in series.items()
    ]
    cases = [{"eval_time": f"{minute}m", "alertname": name} for minute in minutes for name in ALERTS]
    test = {"interval": f"{STEP_MINUTES}m", "input_series": named, "alert_rule_test": cases}
    file = folder / "test.yml"
    order = ["thresholds", "burn_profile", "burn"]
    about = {"rule_files": RULES, "evaluation_interval": every, "group_eval_order": order, "tests": [test]}
    file.write_text(yaml.safe_dump(about, width=10**9))
    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def main() -> int:
    """Try both rhythms, print what came of them."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--days", type=int, default=90)
    options.add_argument("--every", type=int, default=10, metavar="MINUTES", help="how often rules are evaluated")
    options.add_argument("--seeds", type=int, default=1)
    options.add_argument("--json", action="store_true", help="the figures as one JSON object")
    chosen = options.parse_args()
    pages: dict[str, int] = {}
    began = time.monotonic()
    for name, rhythm in RHYTHMS.items():
        for seed in range(7, 7 + chosen.seeds):
            values = list(spend(rhythm, seed, chosen.days))
            minutes = range(60, chosen.days * 1440, chosen.every)
            with tempfile.TemporaryDirectory() as folder:
                said = fired(Path(folder), {name: values}, minutes, f"{chosen.every}m")
            pages[name] = pages.get(name, 0) + said.count("alertname: ")
    figures = {"days": chosen.days, "pages": pages, "seconds": round(time.monotonic() - began, 1)}
    print(json.dumps(figures) if chosen.json else "\n".join(f"{name:8} {value}" for name, value in figures.items()))
    return int(any(pages.values()))


if __name__ == "__main__":
    sys.exit(main())
