"""Tools that send a query of the caller's own to the stack's servers."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import queries as queries_answer
from syndarix_obs_read.backends.protocols import RawSource
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, seconds_of, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_SERIES: Final = 50

_LINES: Final = 50

_TRACES: Final = 20

_SINCE: Final = "1h"

RawSince = Annotated[
    str | None, Field(max_length=40, description="From when on, such as 30m or 2h; at most 31 days. Default: 1h.")
]


async def query_metrics(
    ctx: Ctx,
    promql: Annotated[a.Query, Field(description="For example: sum by (agent) (rate(llm_requests_total[5m])).")],
    since: RawSince = None,
    until: a.Until = None,
    step: Annotated[
        str | None,
        Field(max_length=20, description="Distance of points, such as 1m; without it one value, at `until`."),
    ] = None,
    limit: a.Limit = None,
) -> queries_answer.MetricAnswer:
    """Series of a PromQL expression. Needs the stack. Prefer get_agent_stats and get_cost_summary, whose sums are
    exact; this is for rates, and for metrics of your own."""
    state = state_of(ctx)
    return await queries_answer.query_metrics(
        state.backend, promql, state.period(since, until, _SINCE), None if step is None else seconds_of(step),
        limit or _SERIES,
    )  # fmt: skip


async def query_logs(
    ctx: Ctx,
    logql: Annotated[a.Query, Field(description='For example: {kind="tool_call", level="error"} | json.')],
    since: RawSince = None,
    until: a.Until = None,
    limit: a.Limit = None,
) -> queries_answer.LogAnswer:
    """Lines, or series, of a LogQL query. Needs the stack. Prefer search_logs; this is for patterns and for counting.
    Labels are service_name, environment, kind, level; session_id, trace_id, agent, … are structured metadata."""
    state = state_of(ctx)
    return await queries_answer.query_logs(state.backend, logql, state.period(since, until, _SINCE), limit or _LINES)


async def query_traces(
    ctx: Ctx,
    traceql: Annotated[
        a.Query, Field(description='For example: { span.gen_ai.tool.name = "search" && status = error }.')
    ],
    since: RawSince = None,
    until: a.Until = None,
    limit: a.Limit = None,
) -> queries_answer.TraceQueryAnswer:
    """Traces of a TraceQL query. Needs the stack. Prefer search_traces; this is for the structure of traces, such as
    which span follows which. Then explain_trace with a `traceID`."""
    state = state_of(ctx)
    return await queries_answer.query_traces(
        state.backend, traceql, state.period(since, until, _SINCE), limit or _TRACES
    )


TOOLS: Final = (
    ToolSpec(query_metrics, "Query metrics (PromQL)", "an aggregation, a longer step, less time", needs=RawSource),
    ToolSpec(query_logs, "Query log lines (LogQL)", "a line filter, a label, or a lower limit", needs=RawSource),
    ToolSpec(query_traces, "Query traces (TraceQL)", "a further condition, or a lower limit", needs=RawSource),
)
