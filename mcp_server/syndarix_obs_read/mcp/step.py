"""The tool of the question `step`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import walk as walk_answer
from syndarix_obs_read.errors import NotFound
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

Run = Annotated[str, Field(min_length=1, max_length=300, description="Id of a session or trace, or its beginning.")]
Number = Annotated[int | None, Field(ge=1, description="Which step, from 1; without it every step in a line.")]


async def get_step(ctx: Ctx, run: Run, number: Number = None) -> walk_answer.Walk:
    """One step of a run as its model saw it: context, options, choice, reason, what came back, tokens and dollars so
    far. Ask without a number first to see which steps there are; explain_trace says which one to look at."""
    state = state_of(ctx)
    if run.endswith(".json"):  # files of this machine are not a question's to read
        raise NotFound(f"there is no run {run!r}")
    return await walk_answer.walk(state.backend, state.settings, run, number)


TOOLS: Final = (ToolSpec(get_step, "Step through a run", "a number of one step"),)
