"""The month's end from the ledger: by group, by budget, and honest about what it cannot know."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import read_scene as scene

from syndarix_obs.records.model import Record
from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.forecast import ForecastList, forecast_costs
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.cli.forecast import draw_forecast
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.cli.screen import Screen

NOW = scene.T0
"""2026-03-01T14:00:00Z."""


def spend(days_ago: int, amount: str, project: str) -> Record:
    at = -days_ago * 86_400.0
    return scene.cost(f"{days_ago:030x}{len(project):02x}", "1", at, amount, project=project, model="gpt-4o")


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[EmbeddedBackend]:
    """Two dollars a day for forty days by `acme`, one by `globex` on every second; today three of `acme`."""
    scene.write(
        store_path(tmp_path),
        *(spend(ago, "2", "acme") for ago in range(1, 41)),
        *(spend(ago, "1", "globex") for ago in range(1, 41, 2)),
        spend(0, "3", "acme"),
    )
    found = EmbeddedBackend(store_path(tmp_path))
    yield found
    await found.close()


async def test_a_month_of_steady_days_comes_to_as_many_times_a_day(backend: EmbeddedBackend) -> None:
    answer = await forecast_costs(backend, Filter(project="acme"), now_ns=NOW)
    assert ("2026-03", date(2026, 2, 28)) == (answer.month, answer.through)
    assert (Decimal(3), Decimal(62), None) == (
        answer.whole.so_far_usd,
        answer.whole.expected_usd,
        answer.whole.run_rate_usd,
    )


async def test_groups_come_dearest_first_and_days_without_a_call_cost_nothing(backend: EmbeddedBackend) -> None:
    answer = await forecast_costs(backend, Filter(), ("project", "day"), now_ns=NOW)
    assert (("project",), ["acme", "globex"]) == (answer.by, [each.key["project"] for each in answer.groups])
    assert float(answer.groups[1].expected_usd or 0) == pytest.approx(15.5, rel=0.15)
    assert 40 == answer.groups[1].known_days
    assert answer.groups[1].low_usd < answer.groups[1].expected_usd < answer.groups[1].high_usd  # type: ignore[operator]


async def test_what_was_spent_already_is_the_least_a_month_can_cost(backend: EmbeddedBackend) -> None:
    answer = await forecast_costs(backend, Filter(project="globex"), now_ns=NOW + 20 * scene.DAY)
    spent = answer.whole.so_far_usd
    assert all(amount is not None and amount >= spent for amount in (answer.whole.low_usd, answer.whole.expected_usd))


async def test_too_little_history_says_from_when_it_will_be_known(tmp_path: Path) -> None:
    scene.write(store_path(tmp_path), spend(5, "2", "acme"))
    young = EmbeddedBackend(store_path(tmp_path))
    answer = await forecast_costs(young, Filter(), now_ns=NOW)
    await young.close()
    assert (None, 5, date(2026, 3, 9)) == (answer.whole.expected_usd, answer.whole.known_days, answer.whole.ready)


async def test_an_empty_ledger_says_why(tmp_path: Path) -> None:
    scene.write(store_path(tmp_path))
    nothing = EmbeddedBackend(store_path(tmp_path))
    answer = await forecast_costs(nothing, Filter(), ("project",), now_ns=NOW)
    await nothing.close()
    assert ((), 0) == (answer.groups, answer.whole.known_days)
    assert answer.hints


async def test_the_drawing_names_interval_and_budget(
    backend: EmbeddedBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await forecast_costs(backend, Filter(), ("project",), monthly_budget=Decimal(50), now_ns=NOW)
    draw_forecast(Screen(UTC), answer)
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("acme", "globex", "62", "expected"))


def test_the_command_answers_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write(store_path(tmp_path), spend(5, "2", "acme"))
    assert 0 == run(["forecast", "--by", "model", "--json", "--home", str(tmp_path)])
    answer = ForecastList.model_validate(json.loads(capsys.readouterr().out))
    assert f"{datetime.now(UTC):%Y-%m}" == answer.month
