"""The tool about coding agents."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import coding as coding_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_GROUPS: Final = 30
_SINCE: Final = "30d"


async def get_coding_summary(
    ctx: Ctx,
    since: Annotated[str | None, Field(max_length=40, description="From when on, such as 7d. Default: 30d.")] = None,
    until: a.Until = None,
    by: Annotated[
        list[coding_answer.CodingDimension] | None,
        Field(max_length=6, description='Group by these together, such as ["repository", "branch"].'),
    ] = None,
    agent: Annotated[
        str | None, Field(max_length=300, description="claude-code, or a sub-agent such as claude-code/reviewer.")
    ] = None,
    project: Annotated[str | None, Field(max_length=300, description="One repository, exactly.")] = None,
    session_id: a.SessionFilter = None,
    model: a.Model = None,
    limit: a.Limit = None,
) -> coding_answer.CodingSummary:
    """What coding agents (Claude Code, Codex, Gemini CLI) cost by repository, branch, session, sub-agent, skill or
    model; which tools filled their context; which tool calls were refused, with reasons. Sums by other names are
    get_cost_summary's."""
    state = state_of(ctx)
    where = state.filter(agent=agent, project=project, session_id=session_id, model=model)
    return await coding_answer.summarise_coding(
        state.backend, where, state.period(since, until, _SINCE), tuple(by or ("repository",)), limit=limit or _GROUPS
    )


TOOLS: Final = (ToolSpec(get_coding_summary, "Coding agents", "fewer dimensions, a filter, or a lower limit"),)
