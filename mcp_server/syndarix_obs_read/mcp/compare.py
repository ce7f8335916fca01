"""The tool of the question `compare`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import compare as compare_answer
from syndarix_obs_read.answers.compare_groups import Of
from syndarix_obs_read.errors import NotFound
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

One = Annotated[
    str, Field(min_length=1, max_length=300, description="A session or trace; or a value of `of`, or a time.")
]


async def compare(
    ctx: Ctx,
    before: One,
    after: One,
    of: Annotated[Of, Field(description="What both are; a time is 2026-11-20, 2026-11 or 14d..7d.")] = "run",
    agent: a.Agent = None,
    since: a.Since = None,
    until: a.Until = None,
) -> compare_answer.Comparison:
    """Two runs side by side: configuration, prompts line by line, steps, tokens, cost, answer (diff_runs aligns their
    steps one by one); or everything under two versions, prompts, models or times, each figure with how likely its
    difference is by chance. investigate names sessions and versions worth comparing."""
    state = state_of(ctx)
    if of != "run":
        where, period = state.filter(agent=agent), state.period(since, until)
        return await compare_answer.compare_groups(state.backend, state.settings, of, before, after, where, period)
    for name in (before, after):
        if compare_answer.is_replay(name):
            raise NotFound(f"there is no run {name!r} in the store; diff_runs compares replays")
    found = await compare_answer.compare(state.backend, before, after, limit=1)
    return compare_answer.Comparison(**{name: getattr(found, name) for name in compare_answer.Comparison.model_fields})


TOOLS: Final = (ToolSpec(compare, "Compare runs, versions or times", "shorter runs, or an agent"),)
