"""The tool of the question `sessions`."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.answers import sessions as sessions_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_SESSIONS: Final = 20


async def list_sessions(
    ctx: Ctx,
    since: a.Since = None,
    until: a.Until = None,
    agent: a.Agent = None,
    status: a.Status = None,
    project: a.Project = None,
    user: a.User = None,
    task_type: a.TaskType = None,
    environment: a.Environment = None,
    text: a.Text = None,
    limit: a.Limit = None,
) -> sessions_answer.SessionList:
    """Sessions, the last begun first, those that run now included (status=running; `stalled` ones hang or died). Then
    use get_session with an id."""
    state = state_of(ctx)
    where = state.filter(
        agent=agent, status=status, project=project, user=user, task_type=task_type, environment=environment, text=text
    )
    return await sessions_answer.list_sessions(
        state.backend, where, state.period(since, until), limit or _SESSIONS,
        stalled_after_s=state.settings.stalled_after,
    )  # fmt: skip


TOOLS: Final = (ToolSpec(list_sessions, "List sessions", "agent, status, a shorter time, or a lower limit"),)
