"""What is left of each budget: by the ledger, with what the guard reserved and refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import read_scene as scene
import yaml

from syndarix_obs.errors import BudgetExceeded
from syndarix_obs.guarding.budgets import Budget, checked
from syndarix_obs.platform import ObservabilityPlatform
from syndarix_obs.records.model import LLMRecord
from syndarix_obs.settings import Settings
from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.budgets import BudgetList, budget_states
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.budget_rules import rules_text
from syndarix_obs_read.budgets import Known, known
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.doctor import budgets as doctor
from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.privacy.budgets import BudgetsSource
from syndarix_obs_read.privacy.places import Person
from syndarix_obs_read.settings import ReadSettings

NOW = scene.T0
"""2026-03-01T14:00:00Z, a Sunday."""
HOUR = 3_600.0


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[EmbeddedBackend]:
    """Three dollars of acme today, five yesterday in another month; one of globex today."""
    scene.write(
        store_path(tmp_path),
        scene.cost("a" * 32, "1", -HOUR, "1", project="acme", model="gpt-4o-2024-08-06", user="u_1", session_id="s-1"),
        scene.cost("b" * 32, "2", -2 * HOUR, "2", project="acme", model="gpt-4o-mini", user="u_2", session_id="s-2"),
        scene.cost("c" * 32, "3", -30 * HOUR, "5", project="acme", model="gpt-4o-mini", user="u_2", session_id="s-3"),
        scene.make(LLMRecord, "a" * 32, "1", None, -HOUR, project="acme", model="gpt-4o-2024-08-06", user="u_1"),
        scene.cost("d" * 32, "4", -HOUR, "1", project="globex", model="gpt-4o-mini", user="u_2", session_id="s-4"),
    )
    found = EmbeddedBackend(store_path(tmp_path))
    yield found
    await found.close()


async def states(backend: EmbeddedBackend, *entries: dict[str, object]) -> BudgetList:
    return await budget_states(backend, [Known(checked(each), "file") for each in entries], now_ns=NOW)


async def test_a_budget_counts_its_own_work_in_its_own_period(backend: EmbeddedBackend) -> None:
    answer = await states(
        backend,
        {"name": "day", "project": "acme", "per": "day", "usd": 4},
        {"name": "week", "project": "acme", "per": "week", "usd": 80},
        {"name": "all", "per": "month", "usd": 400},
        {"name": "model", "model": "gpt-4o", "per": "week", "usd": 1000},
    )
    spent = {each.name: each.spent_usd for each in answer.budgets}
    assert {"day": Decimal(3), "week": Decimal(8), "all": Decimal(4), "model": Decimal(1)} == spent
    assert ["day", "week", "all", "model"] == [each.name for each in answer.budgets]
    assert 0.75 == answer.budgets[0].used
    assert "2026-03-02T00:00:00+00:00" == str(answer.budgets[0].ends).replace(" ", "T")


async def test_a_split_budget_has_a_line_for_each_value_and_runs_the_dearest(backend: EmbeddedBackend) -> None:
    split = await states(backend, {"name": "users", "by": ["user"], "per": "day", "usd": 10, "calls": 2})
    assert [({"user": "u_2"}, Decimal(3), 2), ({"user": "u_1"}, Decimal(1), 1)] == [
        (each.key, each.spent_usd, each.calls) for each in split.budgets
    ]
    runs = await states(backend, {"name": "runs", "per": "run", "usd": 10})
    assert [("s-2", Decimal(2), None)] == [(each.session_id, each.spent_usd, each.ends) for each in runs.budgets]


async def test_what_is_probably_misspelt_is_named(backend: EmbeddedBackend) -> None:
    answer = await states(
        backend, {"name": "a", "project": "acne", "usd": 1}, {"name": "b", "project": "ac*", "usd": 1},
        {"name": "c", "model": "gpt-4o", "usd": 1},
    )  # fmt: skip
    assert ("project 'acne'",) == answer.unknown
    assert "nothing recorded has project 'acne': check the spelling" in answer.hints


async def test_without_budgets_the_answer_says_how_to_declare_one(backend: EmbeddedBackend) -> None:
    answer = await states(backend)
    assert answer.hints[0].startswith("no budget is declared")


async def test_the_doctor_names_budgets_that_are_about_nothing(backend: EmbeddedBackend, tmp_path: Path) -> None:
    file = tmp_path / "budgets.yml"
    for text, state, said in (
        ("budgets: []", "ok", "none is declared"),
        ("budgets: [{name: a, project: acme, usd: 1}]", "ok", "1 declared"),
        ("budgets: [{name: a, project: acne, usd: 1}]", "warning", "nothing recorded has project 'acne'"),
    ):
        file.write_text(text)
        (check,) = await doctor.checks(ReadSettings(home=tmp_path, budgets_file=file), backend)
        assert (state, True) == (check.state, said in check.finding)


def test_a_wrong_file_is_an_error_of_the_question(tmp_path: Path) -> None:
    (tmp_path / "budgets.yml").write_text("budgets: [{name: a}]")
    with pytest.raises(SettingsError, match="'a' limits nothing"):
        known(ReadSettings(home=tmp_path, budgets_file=tmp_path / "budgets.yml"))


def test_the_guard_and_the_ledger_meet_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ObservabilityPlatform(Settings(home=tmp_path, set_global=False)) as obs:
        obs.budget("one", calls=1, by=["user"], per="day")
        obs.budget("ada's", usd=5, user="ada")
        with obs.session(agent="a", user="ada"):
            with obs.llm(provider="openai", model="gpt-4o", messages="hi") as call:
                call.response("hi", usage={"input_tokens": 10, "output_tokens": 100})
            with pytest.raises(BudgetExceeded):
                obs.llm(provider="openai", model="gpt-4o").start()
    assert 0 == run(["budgets", "--home", str(tmp_path), "--json"])
    one, hers = sorted(json.loads(capsys.readouterr().out)["budgets"], key=lambda each: -each["used"])
    assert (1, 1, "code", "0.001025", "0") == (
        one["calls"], one["refused"], one["source"], one["guarded_usd"], one["reserved_usd"],
    )  # fmt: skip
    assert one["key"]["user"] == hers["where"]["user"]
    assert 0 == run(["budgets", "--home", str(tmp_path)])
    assert "1 calls" in capsys.readouterr().out


def test_budgets_of_projects_become_thresholds_of_prometheus() -> None:
    text = rules_text(
        [
            Budget("m", "month", usd=500 * 10**9, where={"project": "acme"}),
            Budget("d", "day", usd=10**9 // 2, where={"project": 'a"b'}),
            Budget("w", "week", usd=1, where={"project": "acme"}),
        ]
    )
    (group,) = yaml.safe_load(text)["groups"]
    assert [
        {"record": "threshold:budget_monthly:dollars", "expr": "vector(500)", "labels": {"project": "acme"}},
        {"record": "threshold:budget_daily:dollars", "expr": "vector(0.5)", "labels": {"project": 'a"b'}},
    ] == group["rules"]
    assert "# not a threshold of a project: w" in text
    assert [] == yaml.safe_load(rules_text([]))["groups"]


def test_an_erased_user_is_in_no_account_and_in_no_budget(tmp_path: Path) -> None:
    with ObservabilityPlatform(Settings(home=tmp_path, set_global=False)) as obs:
        obs.budget("each", calls=5, by=["user"])
        obs.budget("ada's", calls=5, user="ada")
        for user in ("ada", "bob"):
            with obs.session(agent="a", user=user), obs.llm(provider="openai", model="gpt-4o", messages="hi") as call:
                call.response("hi", usage={"input_tokens": 10, "output_tokens": 10})
        ada, bob = map(obs.runtime.pseudonym, ("ada", "bob"))
    place, note = BudgetsSource(tmp_path), dict[str, Any]()
    person = Person(pseudonym=ada)
    assert 3 == place.find(person)  # her account, that of the budget about her, and that budget
    assert not place.verify(person, note).gone
    assert 3 == place.erase(person, note)
    assert place.verify(person, note).gone
    assert 1 == place.find(Person(pseudonym=bob))
    assert 0 == BudgetsSource(tmp_path / "none").find(person)
