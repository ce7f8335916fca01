"""The tool about budgets."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.answers import budgets as budgets_answer
from syndarix_obs_read.budgets import known
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec


async def get_budgets(ctx: Ctx, limit: a.Limit = None) -> budgets_answer.BudgetList:
    """What is left of each budget in its current day, week, month or run: limits, spent (by the ledger), reserved for
    calls under way and refused (by the guard in the agents), and when it begins anew. The most used first. `unknown`
    names what budgets are about and nothing recorded has. Where the money goes is get_cost_summary's, where the month
    ends get_cost_forecast's."""
    state = state_of(ctx)
    return await budgets_answer.budget_states(
        state.backend, known(state.settings), limit=limit or state.settings.limit
    )


TOOLS: Final = (ToolSpec(get_budgets, "Get budgets", "a lower limit"),)
