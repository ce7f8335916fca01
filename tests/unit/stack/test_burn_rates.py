"""90 days of normal weeks page nobody, and an hour that burns in the middle of them does: with promtool."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
RULES = [str(ROOT / "prometheus" / "rules" / name) for name in ("0-thresholds.yml", "4-spend-burn.yml")]
DAYS = 90
STEP_MINUTES = 5
SPIKE_AT = 24 * (7 * 3) + 3  # hours: a Monday at three in the night
ALERTS = ("BudgetBurnsFast", "BudgetBurns", "BudgetBurnsSlowly")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on the PATH"),
]


def office(weekday: int, hour: int) -> float:
    """Work from 8 to 18, little at night and at weekends."""
    if weekday >= 5:
        return 0.15
    return 1.0 if 8 <= hour < 18 else 0.1


def shop(weekday: int, hour: int) -> float:
    """The evenings of the weekend are the dearest."""
    return (2.0 if weekday >= 4 else 1.0) * (1.5 if 17 <= hour < 23 else 0.6)


def spend(rhythm: Callable[[int, int], float], budget: float, seed: int) -> Iterator[float]:
    """Dollars of each five minutes: a month comes to the budget; days and minutes differ by chance."""
    chance = random.Random(seed)
    week = sum(rhythm(at // 24, at % 24) for at in range(7 * 24)) * 60 / STEP_MINUTES
    unit = budget * 7 / 30.4 / week
    for day in range(DAYS):
        today = chance.lognormvariate(0, 0.1)
        for at in range(24 * 60 // STEP_MINUTES):
            yield unit * rhythm(day % 7, at * STEP_MINUTES // 60) * today * chance.lognormvariate(0, 0.3)


def fired(tmp_path: Path, series: dict[str, list[float]], minutes: range, every: str = "10m") -> str:
    """What promtool says when it expects silence at every one of these minutes."""
    named = [
        {
            "series": f'project:llm_cost_dollars:spent1m{{project="{name}"}}',
            "values": " ".join(f"{each:.5f}" for each in values),
        }
        for name, values in series.items()
    ]
    cases = [{"eval_time": f"{minute}m", "alertname": name} for minute in minutes for name in ALERTS]
    test = {"interval": f"{STEP_MINUTES}m", "input_series": named, "alert_rule_test": cases}
    file = tmp_path / "test.yml"
    order = ["thresholds", "burn_profile", "burn"]
    about = {"rule_files": RULES, "evaluation_interval": every, "group_eval_order": order, "tests": [test]}
    file.write_text(yaml.safe_dump(about, width=10**9))
    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_ninety_days_of_normal_weeks_page_nobody(tmp_path: Path) -> None:
    weeks = {rhythm.__name__: list(spend(rhythm, 1_000, 7)) for rhythm in (office, shop)}
    assert "" == fired(tmp_path, weeks, range(60, DAYS * 24 * 60, 30), "30m")


def test_two_percent_an_hour_after_three_normal_weeks_page_when_the_hour_is_over(tmp_path: Path) -> None:
    values = list(spend(office, 1_000, 7))[: (SPIKE_AT + 3) * 60 // STEP_MINUTES]
    at = SPIKE_AT * 60 // STEP_MINUTES
    for offset in range(2 * 60 // STEP_MINUTES):
        values[at + offset] += 20 / (60 / STEP_MINUTES)
    begun = SPIKE_AT * 60
    assert "" == fired(tmp_path, {"office": values}, range(begun + 40, begun + 41))
    said = fired(tmp_path, {"office": values}, range(begun + 70, begun + 71))
    assert "BudgetBurnsFast" in said
    assert 'project="office"' in said
