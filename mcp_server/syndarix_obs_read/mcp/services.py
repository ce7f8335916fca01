"""The tool of the question `services`."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.answers import services as services_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec


async def list_services(
    ctx: Ctx,
    since: a.Since = None,
    until: a.Until = None,
    agent: a.Agent = None,
    project: a.Project = None,
    environment: a.Environment = None,
) -> services_answer.ServiceList:
    """What each service did and each version of its agents: sessions, success, calls, failures, tokens, cost, when
    first and last seen. For why a version is worse use investigate."""
    state = state_of(ctx)
    where = state.filter(agent=agent, project=project, environment=environment)
    period = state.period(since, until)
    return await services_answer.get_services(state.backend, where, period, state.settings.zone)


TOOLS: Final = (ToolSpec(list_services, "Show what services and versions did", "agent, project, or a shorter time"),)
