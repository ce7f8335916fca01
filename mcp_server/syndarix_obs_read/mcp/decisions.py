"""Tools about decisions: a list, and patterns in them."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import choices as choices_answer
from syndarix_obs_read.answers import confidence as confidence_answer
from syndarix_obs_read.answers import decisions as decisions_answer
from syndarix_obs_read.answers import graph as graph_answer
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_DECISIONS: Final = 20

DecisionType = Annotated[
    str | None, Field(max_length=300, description="tool_selection, parameter_generation, error_recovery, …")
]


async def get_decisions(
    ctx: Ctx,
    since: a.Since = None,
    until: a.Until = None,
    agent: a.Agent = None,
    decision_type: DecisionType = None,
    trace_id: a.TraceFilter = None,
    session_id: a.SessionFilter = None,
    text: a.Text = None,
    project: a.Project = None,
    task_type: a.TaskType = None,
    limit: a.Limit = None,
) -> decisions_answer.DecisionList:
    """What agents decided, one by one, the last first: options, choice, reasoning, confidence, and what the session led
    to. Use get_decision_patterns first to see which choices go wrong."""
    state = state_of(ctx)
    where = state.filter(
        agent=agent, decision_type=decision_type, trace_id=trace_id, session_id=session_id, text=text, project=project,
        task_type=task_type,
    )  # fmt: skip
    return await decisions_answer.list_decisions(state.backend, where, state.period(since, until), limit or _DECISIONS)


async def get_decision_patterns(
    ctx: Ctx,
    since: a.Since = None,
    until: a.Until = None,
    agent: a.Agent = None,
    decision_type: DecisionType = None,
    project: a.Project = None,
    task_type: a.TaskType = None,
    limit: a.Limit = None,
) -> decisions_answer.PatternList:
    """What was chosen over what, how often, how surely, and with which success of the sessions: where agents choose
    badly. Then get_decisions for single ones, explain_trace for an example."""
    state = state_of(ctx)
    where = state.filter(agent=agent, decision_type=decision_type, project=project, task_type=task_type)
    return await decisions_answer.decision_patterns(
        state.backend, where, state.period(since, until), limit or _DECISIONS
    )


async def get_decision_graph(
    ctx: Ctx,
    since: a.Since = None,
    until: a.Until = None,
    agent: a.Agent = None,
    trace_id: a.TraceFilter = None,
    session_id: a.SessionFilter = None,
    project: a.Project = None,
    limit: a.Limit = None,
) -> graph_answer.DecisionGraph:
    """What led to what, as edges, variants and Mermaid text: over many sessions the edges over-represented among failed
    ones first; of one trace or session every decision and tool in order. Then diff_runs for two of them."""
    state = state_of(ctx)
    where = state.filter(agent=agent, trace_id=trace_id, session_id=session_id, project=project)
    period = state.period(since, until)
    return await graph_answer.decision_graph(state.backend, where, period, limit=limit or _DECISIONS)


async def get_tool_choices(
    ctx: Ctx, since: a.Since = None, until: a.Until = None, agent: a.Agent = None, project: a.Project = None
) -> choices_answer.ChoicePatterns:
    """Tools that are offered and never chosen, chosen and failing, and the tokens that their results cost again in
    every later call. Then get_decisions for single ones."""
    state = state_of(ctx)
    where = state.filter(agent=agent, project=project)
    return await choices_answer.choice_patterns(state.backend, where, state.period(since, until))


async def get_confidence(
    ctx: Ctx, since: a.Since = None, until: a.Until = None, agent: a.Agent = None, decision_type: DecisionType = None
) -> confidence_answer.ConfidenceReport:
    """How far the confidence of agents can be believed: reliability bins with intervals, Brier score, calibration
    error, by agent, type and source; too few outcomes are refused. get_decisions has single ones."""
    state = state_of(ctx)
    where = state.filter(agent=agent, decision_type=decision_type)
    return await confidence_answer.confidence_report(state.backend, where, state.period(since, until))


TOOLS: Final = (
    ToolSpec(get_decision_graph, "Show what led to what", "agent, session_id, or a lower limit"),
    ToolSpec(get_tool_choices, "Show how tools are chosen", "agent or time"),
    ToolSpec(get_confidence, "Hold confidence against outcome", "agent or decision_type"),
    ToolSpec(get_decisions, "List decisions", "agent, decision_type, trace_id, or a lower limit"),
    ToolSpec(get_decision_patterns, "Show patterns in decisions", "agent, decision_type, or a lower limit"),
)
