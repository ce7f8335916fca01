"""A budget as JSON, as the file of accounts keeps it for those who look at it."""

from __future__ import annotations

import json
from decimal import Decimal

from syndarix_obs.guarding.budgets import NANO, Budget, checked


def definition(budget: Budget) -> str:
    """The JSON of a budget, in the words of the YAML file."""
    fields = {
        "name": budget.name, "per": budget.per, "by": list(budget.by) or None, "on_exceed": budget.on_exceed,
        "timezone": budget.timezone, **budget.where, "tokens": budget.tokens, "calls": budget.calls,
        "repeats": budget.repeats, "usd": None if budget.usd is None else str(Decimal(budget.usd) / NANO),
    }  # fmt: skip
    return json.dumps({name: value for name, value in fields.items() if value is not None})


def parsed(text: str) -> Budget:
    """The budget that a JSON text defines.

    Raises:
        ValueError: it is none.
    """
    return checked(json.loads(text))
