"""The tool of the question `session`."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.answers import session as session_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec


async def get_session(ctx: Ctx, session_id: a.SessionId) -> session_answer.SessionDetail:
    """One session: status, outcome, its agents and models with tokens and cost, ids of its traces. Then explain_trace
    with one of them, or get_timeline with the session's id."""
    state = state_of(ctx)
    return await session_answer.get_session(state.backend, session_id, stalled_after_s=state.settings.stalled_after)


TOOLS: Final = (
    ToolSpec(get_session, "Show a session", "get_agent_stats with its session_id, or get_timeline with a limit"),
)
