"""The tool of the question `agents`."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.answers import agents as agents_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec


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


TOOLS: Final = (ToolSpec(get_agent_stats, "Show how agents are doing", "agent, project, or task_type"),)
