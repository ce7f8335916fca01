"""90 days of normal weeks page nobody, and an hour that burns in the middle of them does: with promtool.

`benchmarks/burn_rates.py` tries the same weeks with an evaluation every ten minutes; here it is one an hour.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

from burn_rates import RHYTHMS, STEP_MINUTES, fired, spend

DAYS = 90
SPIKE_AT = 24 * (7 * 3) + 3  # hours: a Monday at three in the night

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on the PATH"),
]


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_ninety_days_of_normal_weeks_page_nobody(tmp_path: Path, rhythm: str) -> None:
    weeks = {rhythm: list(spend(RHYTHMS[rhythm], 7, DAYS))}
    assert "" == fired(tmp_path, weeks, range(60, DAYS * 24 * 60, 60), "60m")


def test_two_percent_an_hour_after_three_normal_weeks_page_when_the_hour_is_over(tmp_path: Path) -> None:
    values = list(spend(RHYTHMS["office"], 7, DAYS))[: (SPIKE_AT + 3) * 60 // STEP_MINUTES]
    at = SPIKE_AT * 60 // STEP_MINUTES
    for offset in range(2 * 60 // STEP_MINUTES):
        values[at + offset] += 20 / (60 / STEP_MINUTES)
    begun = SPIKE_AT * 60
    assert "" == fired(tmp_path, {"office": values}, range(begun + 40, begun + 41), "10m")
    said = fired(tmp_path, {"office": values}, range(begun + 70, begun + 71), "10m")
    assert "BudgetBurnsFast" in said
    assert 'project="office"' in said
