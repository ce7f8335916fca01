"""Tools about log lines, the pipeline itself, and the names that can be asked for."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from syndarix_obs_read.answers import health as health_answer
from syndarix_obs_read.answers import logs as logs_answer
from syndarix_obs_read.answers import names as names_answer
from syndarix_obs_read.tools import arguments as a
from syndarix_obs_read.tools.state import Ctx, state_of
from syndarix_obs_read.tools.toolkit import ToolSpec

_LINES: Final = 30
_NAMES: Final = 50

Level = Literal["debug", "info", "warning", "error", "critical"]
Kind = Literal[
    "session", "task", "llm_call", "tool_call", "memory", "context", "safety", "decision", "cost", "annotation", "app"
]


async def search_logs(
    ctx: Ctx,
    text: a.Text = None,
    since: a.Since = None,
    until: a.Until = None,
    kind: Annotated[
        list[Kind] | None, Field(max_length=11, description="Kinds of lines; `app` is the application's own log.")
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


async def list_names(
    ctx: Ctx,
    fields: Annotated[
        list[names_answer.NameField] | None,
        Field(max_length=9, description="Which names; all but users without it."),
    ] = None,
    limit: a.Limit = None,
) -> names_answer.NameList:
    """What can be asked for: agents, projects, task types, models, tools that occur, the time that records cover, and
    the words that filters take. Start here when you do not know a name; then get_agent_stats or search_traces."""
    return await names_answer.list_names(state_of(ctx).backend, tuple(fields or ()), limit or _NAMES)


async def get_health(ctx: Ctx) -> health_answer.HealthReport:
    """Is the pipeline itself healthy: store or servers, freshness of records, records lost, prices, stalled sessions.
    Use it when answers are empty or look wrong; each finding says how to mend it. For agents, use get_agent_stats."""
    return await health_answer.check_health(state_of(ctx).backend)


TOOLS: Final = (
    ToolSpec(search_logs, "Search log lines", "payloads=false, kind, level, trace_id, or a lower limit"),
    ToolSpec(list_names, "List names", "one of the fields, or a lower limit"),
    ToolSpec(get_health, "Check the pipeline", "nothing: it is always short"),
)
