"""Tools about traces: search, one as a tree, one in the order of time, one explained."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from syndarix_obs_read.answers import explain as explain_answer
from syndarix_obs_read.answers import timeline as timeline_answer
from syndarix_obs_read.answers import trace as trace_answer
from syndarix_obs_read.answers import traces as traces_answer
from syndarix_obs_read.tools import arguments as a
from syndarix_obs_read.tools.state import Ctx, state_of
from syndarix_obs_read.tools.toolkit import ToolSpec

Status = Literal["ok", "error", "running"]

_TRACES: Final = 20
_SPANS: Final = 100


async def search_traces(
    ctx: Ctx,
    since: a.Since = None,
    until: a.Until = None,
    agent: a.Agent = None,
    status: Annotated[
        Status | None,
        Field(description="ok, running: how the trace stands. error: something in it failed, also if it was handled."),
    ] = None,
    tool: a.Tool = None,
    model: a.Model = None,
    text: a.Text = None,
    min_duration: a.MinDuration = None,
    min_cost_usd: a.MinCost = None,
    session_id: a.SessionFilter = None,
    project: a.Project = None,
    user: a.User = None,
    task_type: a.TaskType = None,
    environment: a.Environment = None,
    looped: Annotated[bool, Field(description="Only traces in which an agent went in circles.")] = False,
    limit: a.Limit = None,
) -> traces_answer.TraceList:
    """Find traces (runs of agents), the last begun first. Every argument narrows. Then use explain_trace with an id for
    why it ended so, get_trace for all its steps. list_names has the names that agent, tool, model, … may have."""
    state = state_of(ctx)
    where = state.filter(
        agent=agent, status=status, tool=tool, model=model, text=text, min_duration=min_duration, project=project,
        min_cost_usd=min_cost_usd, session_id=session_id, user=user, task_type=task_type, environment=environment,
        looped=looped,
    )  # fmt: skip
    return await traces_answer.search_traces(state.backend, where, state.period(since, until), limit or _TRACES)


async def get_trace(
    ctx: Ctx, trace_id: a.TraceId, payloads: a.Payloads = False, limit: a.Limit = None
) -> trace_answer.Trace:
    """One trace as a tree of spans (a list, depth first, with `depth`): model calls, tool calls, decisions, with times,
    tokens and dollars. Use explain_trace first when the question is why. Ids come from search_traces, get_errors,
    get_session."""
    return await trace_answer.get_trace(state_of(ctx).backend, trace_id, limit=limit or _SPANS, payloads=payloads)


async def explain_trace(ctx: Ctx, trace_id: a.TraceId, limit: a.Limit = None) -> explain_answer.Explanation:
    """Why a trace ended as it did: a sentence, then the short chain of context, decision, answer and error that led
    there, then every step that bore on it. Start here with the id of a trace that failed or surprised; get_trace
    has the rest."""
    return await explain_answer.explain_trace(state_of(ctx).backend, trace_id, limit=limit or _SPANS)


async def get_timeline(
    ctx: Ctx,
    trace_or_session: Annotated[str, Field(min_length=1, max_length=300, description="Id, or a unique beginning.")],
    limit: a.Limit = None,
) -> timeline_answer.Timeline:
    """Everything in a trace or a session in the order of time, across agents, with exceptions and detected loops. Use
    it for what happened when; explain_trace for why."""
    return await timeline_answer.get_timeline(state_of(ctx).backend, trace_or_session, limit=limit or _SPANS)


TOOLS: Final = (
    ToolSpec(search_traces, "Search traces", "agent, status, tool, text, a shorter time, or a lower limit"),
    ToolSpec(get_trace, "Show a trace", "payloads=false, a lower limit, or search_logs with its trace_id and a kind"),
    ToolSpec(explain_trace, "Explain a trace", "a lower limit"),
    ToolSpec(get_timeline, "Show a timeline", "a lower limit, or search_logs with its id, a kind and a time"),
)
