"""The tool of the question `compare`."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.answers import compare as compare_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec


async def compare_sessions(ctx: Ctx, before: a.SessionId, after: a.SessionId) -> compare_answer.Comparison:
    """Two sessions side by side: configuration, prompts line by line, steps, tokens, cost, answer. investigate names
    sessions worth comparing."""
    return await compare_answer.compare(state_of(ctx).backend, before, after)


TOOLS: Final = (ToolSpec(compare_sessions, "Compare two sessions", "shorter sessions"),)
