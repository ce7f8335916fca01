"""The tool of the question `blame`."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.answers import blame as blame_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec


async def find_fault(ctx: Ctx, session_id: a.SessionId) -> blame_answer.Blame:
    """Which steps and agents of a failed session are most likely at fault: up to three, with evidence, by rules and
    without a model. A hint, never a verdict: read the steps with get_trace before you say so."""
    return await blame_answer.blame(state_of(ctx).backend, session_id)


TOOLS: Final = (ToolSpec(find_fault, "Say who broke it", "one session at a time"),)
