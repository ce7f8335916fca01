"""The tool of the question `names`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import names as names_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_NAMES: Final = 50


async def list_names(
    ctx: Ctx,
    fields: Annotated[
        list[names_answer.NameField] | None,
        Field(max_length=9, description="Which names; all but users without it."),
    ] = None,
    limit: a.Limit = None,
) -> names_answer.NameList:
    """What can be asked for: agents, projects, task types, models, tools that occur, the time that records cover, and
    the words that filters take. Start here when you do not know a name; then get_agent_stats or search_traces."""
    return await names_answer.list_names(state_of(ctx).backend, tuple(fields or ()), limit or _NAMES)


TOOLS: Final = (ToolSpec(list_names, "List names", "one of the fields, or a lower limit"),)
