"""How is each agent doing? Requests, errors, latency, tokens, cost, tools, loops, decisions, success."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Cost, Frozen, Quantiles, Tokens, share
from syndarix_obs_read.answers.base import Answer, Moment, Period
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import AgentRow, ToolRow
from syndarix_obs_read.outcomes import failed_outcomes, is_success
from syndarix_obs_read.timerange import TimeRange, to_datetime


class ToolUse(Frozen):
    """One tool as an agent used it; durations in seconds."""

    tool: str
    calls: int
    errors: int
    loops: int
    duration: Quantiles


class AgentStatistics(Frozen):
    """One agent over a period. A run is one session of this agent, also inside another's session."""

    agent: str
    runs: int
    running: int = Field(description="Runs that have not ended.")
    succeeded: int = Field(description="Ended runs without error whose outcome is none of failed_outcomes.")
    success_rate: float | None = Field(description="Succeeded of the ended runs, 0 to 1; null without any.")
    outcomes: Mapping[str, int] = Field(description="Ended runs by what they led to, in the caller's words.")
    last_progress: Moment | None
    requests: int = Field(description="Calls of a model.")
    request_errors: int
    error_rate: float | None = Field(description="Failed of the requests, 0 to 1.")
    latency: Quantiles = Field(description="Duration of model calls in seconds.")
    first_token: Quantiles = Field(description="Seconds to the first content chunk of streamed answers.")
    tokens: Tokens
    cost: Cost
    tools: tuple[ToolUse, ...]
    tool_calls: int
    tool_errors: int
    loops: int
    decisions: int
    confidence: float | None = Field(description="Mean confidence of the decisions that state one.")
    safety_checks: int
    safety_failures: int


class AgentList(Answer):
    """Agents that did something in the period, by name."""

    agents: tuple[AgentStatistics, ...]
    failed_outcomes: tuple[str, ...] = Field(
        default_factory=failed_outcomes, description="Outcomes that count as failed: a setting."
    )


async def get_agents(backend: Backend, where: Filter, period: TimeRange) -> AgentList:
    """Statistics of every agent; filtered by agent, project, user, task type, session, service, environment."""
    rows = await backend.agents(where.within(period))
    hints = () if rows else await why_empty(backend, where, period)
    return AgentList(
        backend=backend.name, period=Period.of(period), agents=tuple(statistics(row) for row in rows), hints=hints
    )


def statistics(row: AgentRow) -> AgentStatistics:
    """A row with its shares worked out."""
    ended = {key: count for key, count in row.runs.items() if key[0] != v.STATUS_RUNNING}
    succeeded = sum(count for key, count in ended.items() if is_success(*key))
    outcomes: dict[str, int] = {}
    for (status, outcome), count in sorted(ended.items(), key=lambda item: -item[1]):
        name = outcome or status
        outcomes[name] = outcomes.get(name, 0) + count
    return AgentStatistics(
        agent=row.agent,
        runs=sum(row.runs.values()),
        running=sum(row.runs.values()) - sum(ended.values()),
        succeeded=succeeded,
        success_rate=share(succeeded, sum(ended.values())),
        outcomes=outcomes,
        last_progress=None if row.last_ns is None else to_datetime(row.last_ns),
        requests=row.requests,
        request_errors=row.request_errors,
        error_rate=share(row.request_errors, row.requests),
        latency=row.latency,
        first_token=row.first_token,
        tokens=row.tokens,
        cost=row.cost,
        tools=tuple(_tool(tool) for tool in row.tools),
        tool_calls=sum(tool.calls for tool in row.tools),
        tool_errors=sum(tool.errors for tool in row.tools),
        loops=sum(tool.loops for tool in row.tools),
        decisions=row.decisions,
        confidence=row.confidence,
        safety_checks=row.safety_checks,
        safety_failures=row.safety_failures,
    )


def _tool(row: ToolRow) -> ToolUse:
    return ToolUse(tool=row.tool, calls=row.calls, errors=row.errors, loops=row.loops, duration=row.duration)
