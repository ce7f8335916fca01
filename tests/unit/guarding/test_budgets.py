"""Budgets: what a file may say, whom they are about, and which day, week or month a moment lies in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from syndarix_obs.errors import SettingsError
from syndarix_obs.guarding.budgets import NANO, Budget, Who, checked, load
from syndarix_obs.guarding.definition import definition, parsed
from syndarix_obs.guarding.periods import FOREVER_NS, period_of

ACME = Who(project="acme", agent="support", user="u_1", task_type="refund", model="gpt-4o-mini-2024-07-18")


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def test_a_file_of_budgets_is_read_with_its_zone(tmp_path: Path) -> None:
    file = tmp_path / "budgets.yml"
    file.write_text(
        "timezone: Europe/Berlin\n"
        "budgets:\n"
        "  - {name: acme, project: acme, per: month, usd: 500, on_exceed: warn}\n"
        "  - {name: users, by: [user], per: day, usd: 0.5, tokens: 2000000}\n"
        "  - {name: loops, per: run, calls: 200, repeats: 5}\n"
    )
    acme, users, loops = load(file).budgets
    assert Budget(
        "acme", "month", usd=500 * NANO, where={"project": "acme"}, on_exceed="warn", timezone="Europe/Berlin"
    ) == acme  # fmt: skip
    assert (NANO // 2, 2_000_000, ("user",)) == (users.usd, users.tokens, users.by)
    assert (200, 5, None) == (loops.calls, loops.repeats, loops.usd)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("budgets: 3", "must have a list `budgets:`"),
        ("budgets: [{usd: 5}]", "budget 1: `name` must be a text"),
        ("budgets: [{name: a}]", "'a' limits nothing; set at least one of usd, tokens, calls, repeats"),
        ("budgets: [{name: a, usd: -1}]", "usd: -1 is not allowed; dollars above 0"),
        ("budgets: [{name: a, usd: much}]", "usd: 'much' is not allowed"),
        ("budgets: [{name: a, tokens: 1.5}]", "tokens: 1.5 is not allowed; a whole number"),
        ("budgets: [{name: a, usd: 1, per: year}]", "per: 'year' is not allowed; one of day, week, month, run"),
        ("budgets: [{name: a, usd: 1, by: [session]}]", "by: ['session'] is not allowed; a list of project"),
        ("budgets: [{name: a, usd: 1, projekt: x}]", "unknown field 'projekt'; there are name"),
        ("budgets: [{name: a, usd: 1, project: 3}]", "project: 3 is not allowed; a text"),
        ("budgets: [{name: a, usd: 1}, {name: a, usd: 2}]", "two budgets are named 'a'"),
        ("timezone: Mars\nbudgets: [{name: a, usd: 1}]", "timezone: 'Mars' is no zone"),
        ("zone: UTC\nbudgets: []", "unknown field 'zone'"),
        ("budgets: [", "is no YAML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_what_would_be_right(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "budgets.yml"
    file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        load(file)
    assert said in str(raised.value)
    assert str(file) in str(raised.value)


def test_the_example_is_right() -> None:
    example = Path(__file__).parents[3] / "examples" / "budgets.yml"
    assert ["month", "day", "day", "run", "week"] == [each.per for each in load(example).budgets]


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yml cannot be read"):
        load(tmp_path / "none.yml")


@pytest.mark.parametrize(
    ("where", "key"),
    [
        ({}, ""), ({"project": "acme"}, ""), ({"project": "other"}, None), ({"project": "ac*"}, ""),
        ({"model": "gpt-4o-mini"}, ""), ({"model": "gpt-4o"}, None), ({"model": "gpt-4o*"}, ""),
        ({"agent": "support", "task_type": "refund"}, ""), ({"agent": "support", "task_type": "sale"}, None),
    ],
)  # fmt: skip
def test_a_budget_is_about_work_that_matches_all_it_names(where: dict[str, str], key: str | None) -> None:
    assert key == Budget("b", where=where).key(ACME)


def test_a_budget_that_names_something_is_not_about_work_that_names_nothing() -> None:
    assert None is Budget("b", where={"project": "*"}).key(Who())


def test_a_split_budget_has_an_account_for_each_value() -> None:
    split = Budget("b", by=("user", "model"))
    assert "u_1\x1fgpt-4o-mini-2024-07-18" == split.key(ACME)
    assert "\x1f" == split.key(Who())


def test_a_definition_can_be_read_back() -> None:
    budget = checked({"name": "b", "usd": "0.25", "by": ["user"], "project": "acme", "per": "week", "repeats": 3})
    assert budget == parsed(definition(budget))


@pytest.mark.parametrize(
    ("per", "zone", "at", "name", "start", "end"),
    [
        ("day", "UTC", "2026-11-28T23:59", "2026-11-28", "2026-11-28T00:00", "2026-11-29T00:00"),
        ("day", "Europe/Berlin", "2026-11-28T23:30", "2026-11-29", "2026-11-28T23:00", "2026-11-29T23:00"),
        ("day", "Europe/Berlin", "2026-03-29T12:00", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("week", "UTC", "2026-11-28T12:00", "2026-W48", "2026-11-23T00:00", "2026-11-30T00:00"),
        ("month", "UTC", "2026-12-31T12:00", "2026-12", "2026-12-01T00:00", "2027-01-01T00:00"),
    ],
)  # fmt: skip
def test_a_moment_lies_in_one_period(per: str, zone: str, at: str, name: str, start: str, end: str) -> None:
    assert (name, ns(start), ns(end)) == period_of(per, "", zone, ns(at))


def test_the_period_of_a_run_is_the_run() -> None:
    assert ("s-1", 0, FOREVER_NS) == period_of("run", "s-1", "UTC", 5)
