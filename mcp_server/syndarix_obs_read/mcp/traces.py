"""The tool of the question `traces`."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from syndarix_obs_read.answers import traces as traces_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

Status = Literal["ok", "error", "running"]

_TRACES: Final = 20


async def search_traces(
    ctx: Ctx,
    since: a.Since = None,
    until: a.Until = None,
    agent: a.Agent = None,
    status: Annotated[
        Status | None,
        Field(description="ok, running: how the trace stands. error: something in it failed, also if it was handled."),
    ] = None,
    tool: a.Tool = None,
    model: a.Model = None,
    text: a.Text = None,
    min_duration: a.MinDuration = None,
    min_cost_usd: a.MinCost = None,
    session_id: a.SessionFilter = None,
    project: a.Project = None,
    user: a.User = None,
    task_type: a.TaskType = None,
    environment: a.Environment = None,
    looped: Annotated[bool, Field(description="Only traces in which an agent went in circles.")] = False,
    limit: a.Limit = None,
) -> traces_answer.TraceList:
    """Find traces (runs of agents), the last begun first. Every argument narrows. Then use explain_trace with an id for
    why it ended so, get_trace for all its steps. list_names has the names that agent, tool, model, … may have."""
    state = state_of(ctx)
    where = state.filter(
        agent=agent, status=status, tool=tool, model=model, text=text, min_duration=min_duration, project=project,
        min_cost_usd=min_cost_usd, session_id=session_id, user=user, task_type=task_type, environment=environment,
        looped=looped,
    )  # fmt: skip
    return await traces_answer.search_traces(state.backend, where, state.period(since, until), limit or _TRACES)


TOOLS: Final = (
    ToolSpec(search_traces, "Search traces", "agent, status, tool, text, a shorter time, or a lower limit"),
)
