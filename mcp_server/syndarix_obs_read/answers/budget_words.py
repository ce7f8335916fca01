"""What a line about a budget says, the same in every drawing."""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.budgets import BudgetState


def whose(found: BudgetState) -> str:
    """Whose work a line is about."""
    parts = [f"{name}={value}" for name, value in found.where.items()]
    parts += [f"{name}={value or f.NOTHING}" for name, value in found.key.items()]
    return " ".join([*parts, *([found.session_id] if found.session_id else [])]) or "everybody"


def spent(found: BudgetState) -> str:
    """What is spent, in the unit of each limit."""
    return _amounts(found, f.money(found.spent_usd), found.tokens, found.calls)


def limit(found: BudgetState) -> str:
    """The limits."""
    limits = found.limits
    shown = _amounts(found, f.money(limits.usd), limits.tokens or 0, limits.calls or 0)
    return ", ".join(part for part in (shown, f"{limits.repeats} repeats" if limits.repeats else "") if part)


def _amounts(found: BudgetState, usd: str, tokens: int, calls: int) -> str:
    limits = found.limits
    parts = [usd] if limits.usd is not None else []
    parts += [f"{tokens:,} tokens"] if limits.tokens is not None else []
    parts += [f"{calls:,} calls"] if limits.calls is not None else []
    return ", ".join(parts)
