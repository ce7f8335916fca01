"""The tool of the question `errors`."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.answers import errors as errors_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_GROUPS: Final = 20


async def get_errors(
    ctx: Ctx,
    since: a.Since = None,
    until: a.Until = None,
    agent: a.Agent = None,
    tool: a.Tool = None,
    model: a.Model = None,
    text: a.Text = None,
    project: a.Project = None,
    task_type: a.TaskType = None,
    environment: a.Environment = None,
    limit: a.Limit = None,
) -> errors_answer.ErrorList:
    """Errors in groups that differ only in numbers and ids, the most frequent first, with first and last seen and a
    trace of each; and loops, in which an agent repeats a call. Then explain_trace with `example_trace`."""
    state = state_of(ctx)
    where = state.filter(
        agent=agent, tool=tool, model=model, text=text, project=project, task_type=task_type, environment=environment
    )
    return await errors_answer.group_errors(state.backend, where, state.period(since, until), limit or _GROUPS)


TOOLS: Final = (ToolSpec(get_errors, "Group errors", "agent, tool, a shorter time, or a lower limit"),)
