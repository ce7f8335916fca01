"""The tool of the question `explain`."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.answers import explain as explain_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec
from syndarix_obs_read.mcp.trace import _SPANS


async def explain_trace(ctx: Ctx, trace_id: a.TraceId, limit: a.Limit = None) -> explain_answer.Explanation:
    """Why a trace ended as it did: a sentence, then the short chain of context, decision, answer and error that led
    there, then every step that led to it. Start here with the id of a trace that failed or surprised; get_trace
    has the rest."""
    return await explain_answer.explain_trace(state_of(ctx).backend, trace_id, limit=limit or _SPANS)


TOOLS: Final = (ToolSpec(explain_trace, "Explain a trace", "a lower limit"),)
