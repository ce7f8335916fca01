"""The tool about coding agents."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import coding as coding_answer
from syndarix_obs_read.answers.coding import CodingDimension
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_GROUPS: Final = 20
_SINCE: Final = "30d"


async def get_coding_summary(
    ctx: Ctx,
    since: Annotated[
        str | None, Field(max_length=40, description="From when on, such as 7d or today. Default: 30d.")
    ] = None,
    until: a.Until = None,
    by: Annotated[
        list[CodingDimension] | None,
        Field(max_length=6, description='Group by any of these together, such as ["branch"]. Default: repository.'),
    ] = None,
    agent: a.Agent = None,
    project: a.Project = None,
    model: a.Model = None,
    session_id: a.SessionFilter = None,
    limit: a.Limit = None,
) -> coding_answer.CodingSummary:
    """What Claude Code, Codex and Gemini CLI cost by repository, branch, session, sub-agent, skill or model; which
    tools filled their context; which tool calls were refused, and why. A repository is a project in the other tools."""
    state = state_of(ctx)
    where = state.filter(agent=agent, project=project, model=model, session_id=session_id)
    return await coding_answer.summarise_coding(
        state.backend, where, state.period(since, until, _SINCE), tuple(by or ("repository",)), limit=limit or _GROUPS
    )


TOOLS: Final = (ToolSpec(get_coding_summary, "Sum coding agents", "fewer dimensions, a filter, or a lower limit"),)
