"""The tool of the question `trace`."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.answers import trace as trace_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_SPANS: Final = 100


async def get_trace(
    ctx: Ctx, trace_id: a.TraceId, payloads: a.Payloads = False, limit: a.Limit = None
) -> trace_answer.Trace:
    """One trace as a tree of spans (a list, depth first, with `depth`): model calls, tool calls, decisions, with times,
    tokens and dollars. Use explain_trace first when the question is why. Ids come from search_traces, get_errors,
    get_session."""
    return await trace_answer.get_trace(state_of(ctx).backend, trace_id, limit=limit or _SPANS, payloads=payloads)


TOOLS: Final = (
    ToolSpec(get_trace, "Show a trace", "payloads=false, a lower limit, or search_logs with its trace_id and a kind"),
)
