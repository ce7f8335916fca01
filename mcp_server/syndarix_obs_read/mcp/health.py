"""The tool of the question `health`."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.answers import health as health_answer
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec


async def get_health(ctx: Ctx) -> health_answer.HealthReport:
    """Is the pipeline itself healthy: store or servers, freshness of records, records lost, prices, stalled sessions.
    Use it when answers are empty or look wrong; each finding says how to mend it. For agents, use get_agent_stats."""
    return await health_answer.check_health(state_of(ctx).backend)


TOOLS: Final = (ToolSpec(get_health, "Check the pipeline", "nothing: it is always short"),)
