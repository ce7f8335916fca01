"""The tool about what money was spent for."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import spending as spending_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_GROUPS: Final = 30
_SINCE: Final = "30d"


async def get_spending(
    ctx: Ctx,
    since: Annotated[str | None, Field(max_length=40, description="From when on, such as 7d. Default: 30d.")] = None,
    until: a.Until = None,
    by: Annotated[
        list[spending_answer.By] | None,
        Field(max_length=7, description='Group by these together, such as ["agent_version"]. Default: agent.'),
    ] = None,
    outcome: Annotated[
        str | None, Field(max_length=300, description="Score that says success; else how sessions ended.")
    ] = None,
    agent: a.Agent = None,
    project: a.Project = None,
    task_type: a.TaskType = None,
    model: a.Model = None,
    limit: a.Limit = None,
) -> spending_answer.SpendingReport:
    """What a success cost, with a 95% interval; what failed sessions and loops cost; what sending tool results again
    cost; what prompt caches saved and could save. Sums without outcomes are get_cost_summary's."""
    state = state_of(ctx)
    where = state.filter(agent=agent, project=project, task_type=task_type, model=model)
    return await spending_answer.get_spending(
        state.backend, where, state.period(since, until, _SINCE), tuple(by or ("agent",)), outcome=outcome,
        limit=limit or _GROUPS, zone=state.settings.zone, prices_file=state.settings.prices_file,
    )  # fmt: skip


TOOLS: Final = (ToolSpec(get_spending, "Cost per success", "fewer dimensions, a filter, or a lower limit"),)
