"""`syndarix-obs budgets`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import budget_words as words
from syndarix_obs_read.answers import budgets as budgets_answer
from syndarix_obs_read.answers.budgets import BudgetList, BudgetState
from syndarix_obs_read.budget_rules import rules_text
from syndarix_obs_read.budgets import known
from syndarix_obs_read.cli.asking import ask, settings_of
from syndarix_obs_read.cli.options import Common, Rows
from syndarix_obs_read.cli.screen import Screen, headers


def budgets(
    common: Common,
    rows: Rows,
    rules: Annotated[
        bool, typer.Option("--rules", help="Print the file of Prometheus rules that makes alerts know the budgets.")
    ] = False,
) -> None:
    """Say what is left of each budget: spent by the ledger, reserved and refused by the guard."""
    if rules:
        print(rules_text([each.budget for each in known(settings_of(common))]), end="")
        return
    ask(
        common,
        lambda asker, backend: budgets_answer.budget_states(
            backend, known(asker.settings), limit=asker.limit(rows)
        ),
        draw_budgets,
    )  # fmt: skip


def draw_budgets(screen: Screen, answer: BudgetList) -> None:
    """One line a budget, and one for each part of a split one."""
    screen.heading("Budgets", answer)
    columns = headers("budget*", "whose*", "per", ">spent", ">limit", ">used", ">reserved", ">refused", "over", "ends")
    screen.table(columns, ((_cells(screen, each), _style(each)) for each in answer.budgets))


def _cells(screen: Screen, found: BudgetState) -> list[str]:
    return [
        found.name, words.whose(found), found.per, words.spent(found), words.limit(found), f.percent(found.used),
        f.money(found.reserved_usd), f.count(found.refused), found.on_exceed,
        f.NOTHING if found.ends is None else f.day_minute(found.ends, screen.zone),
    ]  # fmt: skip


def _style(found: BudgetState) -> str:
    """A budget that is spent stands out, one that is nearly spent too."""
    used = found.used or 0
    return "bold red" if used >= 1 else "yellow" if used >= 0.8 else ""
