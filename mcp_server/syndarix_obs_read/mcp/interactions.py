"""The tool of the question `interactions`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import interactions as interactions_answer
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

Run = Annotated[str, Field(min_length=1, max_length=300, description="Session or trace, or a unique beginning.")]
Arrows = Annotated[int | None, Field(ge=1, le=1_000, description="Most interactions, repeats collapsed. Default: 40.")]
_ARROWS: Final = 40


async def get_interactions(ctx: Ctx, run: Run, limit: Arrows = None) -> interactions_answer.Interactions:
    """Who spoke to whom in one run: user, agents, tools, memories, sub-agents in order, repeats collapsed to a count,
    sums for each pair, and the sequence and flow as Mermaid text to show. get_trace has the steps themselves."""
    return await interactions_answer.interactions(state_of(ctx).backend, run, limit=limit or _ARROWS)


TOOLS: Final = (ToolSpec(get_interactions, "Show interactions", "a lower limit"),)
