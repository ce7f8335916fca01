"""The tool of the question `logs`."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from syndarix_obs_read.answers import logs as logs_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_LINES: Final = 30

Level = Literal["debug", "info", "warning", "error", "critical"]

Kind = Literal[
    "session", "task", "llm_call", "tool_call", "memory", "context", "safety", "decision", "cost", "annotation",
    "anomaly", "score", "replay", "app",
]


async def search_logs(
    ctx: Ctx,
    text: a.Text = None,
    since: a.Since = None,
    until: a.Until = None,
    kind: Annotated[
        list[Kind] | None, Field(max_length=12, description="Kinds of lines; `app` is the application's own log.")
    ] = None,
    level: Annotated[Level | None, Field(description="At least this severe.")] = None,
    trace_id: a.TraceFilter = None,
    session_id: a.SessionFilter = None,
    agent: a.Agent = None,
    tool: a.Tool = None,
    model: a.Model = None,
    status: a.Status = None,
    project: a.Project = None,
    user: a.User = None,
    payloads: a.Payloads = False,
    limit: a.Limit = None,
) -> logs_answer.LogList:
    """Log lines, the last first; every record (model call, tool call, decision, cost, …) is one. Use it to find text in
    prompts, answers, arguments and results, or the lines of one trace; payloads=true shows them in full. For why
    something happened, explain_trace with a `trace_id` is shorter."""
    state = state_of(ctx)
    where = state.filter(
        text=text, kinds=kind, level=level, trace_id=trace_id, session_id=session_id, agent=agent, tool=tool,
        model=model, status=status, project=project, user=user,
    )  # fmt: skip
    return await logs_answer.search_logs(
        state.backend, where, state.period(since, until), limit or _LINES, payloads=payloads, whole=False
    )


TOOLS: Final = (ToolSpec(search_logs, "Search log lines", "payloads=false, kind, level, trace_id, or a lower limit"),)
