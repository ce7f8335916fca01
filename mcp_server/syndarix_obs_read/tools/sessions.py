"""Tools about sessions and agents."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.answers import agents as agents_answer
from syndarix_obs_read.answers import sessions as sessions_answer
from syndarix_obs_read.tools import arguments as a
from syndarix_obs_read.tools.state import Ctx, state_of
from syndarix_obs_read.tools.toolkit import ToolSpec

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


async def get_session(ctx: Ctx, session_id: a.SessionId) -> sessions_answer.SessionDetail:
    """One session: status, outcome, its agents and models with tokens and cost, ids of its traces. Then explain_trace
    with one of them, or get_timeline with the session's id."""
    state = state_of(ctx)
    return await sessions_answer.get_session(state.backend, session_id, stalled_after_s=state.settings.stalled_after)


async def get_agent_stats(
    ctx: Ctx,
    since: a.Since = None,
    until: a.Until = None,
    agent: a.Agent = None,
    project: a.Project = None,
    user: a.User = None,
    task_type: a.TaskType = None,
    session_id: a.SessionFilter = None,
    environment: a.Environment = None,
) -> agents_answer.AgentList:
    """How each agent is doing: success rate, errors, latency (p50, p95, p99), tokens, cost, tools, loops, decisions. A
    good first question; then get_errors or search_traces for the agent that stands out."""
    state = state_of(ctx)
    where = state.filter(
        agent=agent, project=project, user=user, task_type=task_type, session_id=session_id, environment=environment
    )
    return await agents_answer.get_agents(state.backend, where, state.period(since, until))


TOOLS: Final = (
    ToolSpec(list_sessions, "List sessions", "agent, status, a shorter time, or a lower limit"),
    ToolSpec(get_session, "Show a session", "get_agent_stats with its session_id, or get_timeline with a limit"),
    ToolSpec(get_agent_stats, "Show how agents are doing", "agent, project, or task_type"),
)
