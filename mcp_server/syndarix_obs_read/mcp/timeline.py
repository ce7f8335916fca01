"""The tool of the question `timeline`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import timeline as timeline_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec
from syndarix_obs_read.mcp.trace import _SPANS


async def get_timeline(
    ctx: Ctx,
    trace_or_session: Annotated[str, Field(min_length=1, max_length=300, description="Id, or a unique beginning.")],
    limit: a.Limit = None,
) -> timeline_answer.Timeline:
    """Everything in a trace or a session in the order of time, across agents, with exceptions and detected loops. Use
    it for what happened when; explain_trace for why."""
    return await timeline_answer.get_timeline(state_of(ctx).backend, trace_or_session, limit=limit or _SPANS)


TOOLS: Final = (
    ToolSpec(get_timeline, "Show a timeline", "a lower limit, or search_logs with its id, a kind and a time"),
)
