"""The tool about what is unusual."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import anomalies as anomalies_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_EPISODES: Final = 30
_SINCE: Final = "7d"


async def list_anomalies(
    ctx: Ctx,
    since: Annotated[str | None, Field(max_length=40, description="From when on, such as 24h. Default: 7d.")] = None,
    until: a.Until = None,
    agent: a.Agent = None,
    project: a.Project = None,
    only_open: Annotated[bool, Field(description="Only what still lasts.")] = False,
    limit: a.Limit = None,
) -> anomalies_answer.AnomalyList:
    """Episodes in which a series of an agent (cost, latency, tokens, errors, tools) was unlike its own past, open ones
    first. Then look at that time with get_errors, get_cost_summary or search_traces."""
    state = state_of(ctx)
    return await anomalies_answer.list_anomalies(
        state.backend, state.filter(agent=agent, project=project), state.period(since, until, _SINCE),
        limit or _EPISODES, only_open=only_open,
    )  # fmt: skip


TOOLS: Final = (ToolSpec(list_anomalies, "List anomalies", "an agent, a project or a shorter time"),)
