"""The tool about money."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import costs as costs_answer
from syndarix_obs_read.answers.other_models import other_models
from syndarix_obs_read.backends.rows import Dimension
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_GROUPS: Final = 50
_SINCE: Final = "30d"


async def get_cost_summary(
    ctx: Ctx,
    since: Annotated[
        str | None, Field(max_length=40, description="From when on, such as 7d, today or 2026-03. Default: 30d.")
    ] = None,
    until: a.Until = None,
    by: Annotated[
        list[Dimension] | None,
        Field(max_length=6, description='Group by any of these together, such as ["agent", "model"]. Default: agent.'),
    ] = None,
    agent: a.Agent = None,
    project: a.Project = None,
    user: a.User = None,
    task_type: a.TaskType = None,
    model: a.Model = None,
    session_id: a.SessionFilter = None,
    what_if: Annotated[
        list[Annotated[str, Field(max_length=300)]] | None,
        Field(max_length=5, description='Models to price the same tokens with, such as ["gpt-5-mini"].'),
    ] = None,
    limit: a.Limit = None,
) -> costs_answer.CostSummary:
    """What model calls cost, exact from the ledger, by agent, project, user, task_type, model or day, with today and
    this month against the budget. Amounts are decimal texts in dollars; estimated and unpriced calls are counted apart.
    For a spike: by day first, then by agent and model in the dear days, then search_traces with min_cost_usd."""
    state = state_of(ctx)
    where = state.filter(
        agent=agent, project=project, user=user, task_type=task_type, model=model, session_id=session_id
    )
    return await costs_answer.summarise_costs(
        state.backend, where, state.period(since, until, _SINCE), tuple(by or ("agent",)), limit=limit or _GROUPS,
        zone=state.settings.zone, daily_budget=state.settings.daily_budget_usd,
        monthly_budget=state.settings.monthly_budget_usd,
        what_if=other_models(what_if, state.settings.prices_file),
    )  # fmt: skip


TOOLS: Final = (ToolSpec(get_cost_summary, "Sum costs", "fewer dimensions, a filter, or a lower limit"),)
