"""The tool of the question `quality`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import quality as quality_answer
from syndarix_obs_read.answers.quality import By
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec


async def get_quality(
    ctx: Ctx,
    since: a.Since = None,
    until: a.Until = None,
    by: Annotated[list[By] | None, Field(description="Group by these. Default: agent and its version.")] = None,
    name: Annotated[str | None, Field(max_length=100, description="One score by its name, exactly.")] = None,
    agent: a.Agent = None,
    model: a.Model = None,
    project: a.Project = None,
) -> quality_answer.QualityReport:
    """Scores, outcomes and feedback with 95% intervals, by agent, version, prompt, model or day. Intervals that overlap
    are no difference. For why a figure moved use investigate."""
    state = state_of(ctx)
    where = state.filter(agent=agent, model=model, project=project)
    return await quality_answer.get_quality(
        state.backend, where, state.period(since, until), by or ["agent", "agent_version"], state.settings.zone, name
    )


TOOLS: Final = (ToolSpec(get_quality, "Show scores and outcomes", "a name, an agent, or fewer groups"),)
