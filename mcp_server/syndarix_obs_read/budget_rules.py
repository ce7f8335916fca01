"""Budgets as Prometheus rules: what the alerts of `prometheus/rules/4-spend.yml` and `4-spend-burn.yml` compare with.

    syndarix-obs budgets --rules > prometheus/rules/own-budgets.yml

Prometheus knows who pays by project only. A budget of dollars for a day or a month of one project becomes that
project's threshold; other budgets are held by the guard and shown by `budgets`, and stand in the file as comments.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from syndarix_obs.guarding.budgets import NANO, Budget
from syndarix_obs_read.amounts import plain

_RECORDS = {"day": "threshold:budget_daily:dollars", "month": "threshold:budget_monthly:dollars"}
_HEAD = "# Made by `syndarix-obs budgets --rules`: do not edit, run it again.\n"


def rules_text(budgets: Sequence[Budget]) -> str:
    """The text of the file."""
    fitting = [each for each in budgets if _fits(each)]
    rest = "".join(f"# not a threshold of a project: {each.name}\n" for each in budgets if each not in fitting)
    if not fitting:
        return f"{_HEAD}{rest}groups: []\n"
    return f"{_HEAD}{rest}groups:\n  - name: own_budgets\n    rules:\n{''.join(map(_rule, fitting))}"


def _fits(budget: Budget) -> bool:
    about = set(budget.where)
    by_name = "*" not in budget.where.get("project", "")
    return budget.per in _RECORDS and budget.usd is not None and about == {"project"} and by_name and not budget.by


def _rule(budget: Budget) -> str:
    dollars = plain(Decimal(budget.usd or 0) / NANO)
    return (
        f"      # {budget.name}\n"
        f"      - record: {_RECORDS[budget.per]}\n"
        f"        expr: vector({dollars})\n"
        f"        labels: {{project: {json.dumps(budget.where['project'])}}}\n"
    )
