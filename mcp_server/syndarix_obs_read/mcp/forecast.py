"""The tool about the month's end."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import forecast as forecast_answer
from syndarix_obs_read.backends.rows import Dimension
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_GROUPS: Final = 50


async def get_cost_forecast(
    ctx: Ctx,
    by: Annotated[
        list[Dimension] | None,
        Field(max_length=5, description='Group by any of these together, such as ["project"]. Default: project.'),
    ] = None,
    agent: a.Agent = None,
    project: a.Project = None,
    user: a.User = None,
    task_type: a.TaskType = None,
    model: a.Model = None,
    limit: a.Limit = None,
) -> forecast_answer.ForecastList:
    """What the current month will cost, with the interval that 80% of months end in. Null while there are less than
    two weeks of history; `ready` says from when on it can be known. Amounts are decimal texts in dollars. What was
    spent already, and on what, is get_cost_summary's."""
    state = state_of(ctx)
    where = state.filter(agent=agent, project=project, user=user, task_type=task_type, model=model)
    return await forecast_answer.forecast_costs(
        state.backend, where, tuple(by or ("project",)), limit=limit or _GROUPS,
        zone=state.settings.zone, monthly_budget=state.settings.monthly_budget_usd,
    )  # fmt: skip


TOOLS: Final = (ToolSpec(get_cost_forecast, "Forecast costs", "fewer dimensions, a filter, or a lower limit"),)
