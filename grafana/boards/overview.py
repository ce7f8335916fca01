"""Overview: is all well, and if not, where?"""

from __future__ import annotations

from boards import selectors as s
from boards import theme
from boards.board import Board, Section, Stack
from boards.panels import coloured, graph, override, share_bars, stat
from boards.tables import SECOND, Column, table, trace_links
from boards.targets import Calculated, LokiNow, Prom, PromNow, exemplars

REQUESTS = "environment_agent_project:llm_requests:rate1m"
ERRORS = "environment_agent_project:llm_errors:rate1m"
TOKENS = "environment_agent_project_model:llm_tokens:increase5m"
LATENCY = "environment_agent_le:llm_latency_seconds_bucket:rate5m"

_VOLUME = f"{s.mean(REQUESTS, s.AGENT_PROJECT)} * 60"
_ERROR_SHARE = f"{s.mean(ERRORS, s.AGENT_PROJECT)} / ({s.mean(REQUESTS, s.AGENT_PROJECT)} > 0)"
_TOKENS_BY_MODEL = f"sum by (model) (sum_over_time({TOKENS}{{{s.LLM}}}[$__range]))"
_TOKEN_SHARE = (
    f"sort_desc(topk(8, {_TOKENS_BY_MODEL}) / on () group_left () sum({_TOKENS_BY_MODEL})) >= 0.0001"
)  # fmt: skip
_PAID_BY_PROJECT = f'{{kind="cost",{s.ENVIRONMENT}}} | {s.PROJECT} | json usd="total_cost_usd" | unwrap usd'
_SPENT_TODAY = f'sum(sum_over_time({_PAID_BY_PROJECT} | __error__="" [$__range])) or vector(0)'
_BUDGET_TODAY = f"sum(project:budget_daily:dollars{{{s.PROJECT}}})"

_ROOTS = (
    f'{{kind="session",{s.ENVIRONMENT}}} | json parent="parent_id", status="status", outcome="outcome", n="{{field}}"'
    ' | parent="" | status!="running" | unwrap n | __error__="" [$__range]'
)
_ENDED = _ROOTS.replace("{field}", "end_ns")
_TOOK_PART = f"sum by (trace_id) (count_over_time({s.lines('session')} [$__range]))"
"""Traces in which a chosen agent worked, whoever began them."""
_NEWEST = (
    "topk(50, max by (trace_id, agent, project, status, outcome) "
    f"(max_over_time({_ENDED})) and on (trace_id) {_TOOK_PART})"
)
_KEYS = f"topk(50, max by (trace_id) (max_over_time({_ENDED})) and on (trace_id) {_TOOK_PART})"
_DURATIONS = f"max by (trace_id) (max_over_time({_ROOTS.replace('{field}', 'duration_ms')}))"
_OF_TRACE = f'{{kind="cost",{s.ENVIRONMENT}}} | json n="{{field}}" | unwrap n | __error__="" [$__range]'


def _per_trace(field: str) -> str:
    """Sum over the ledger's lines of the newest traces, whichever agent made the calls."""
    total = f"sum by (trace_id) (sum_over_time({_OF_TRACE.replace('{field}', field)}))"
    return f"{total} and on (trace_id) {_KEYS}"


VOLUME = graph(
    title="Request volume", unit="reqpm", interval="1m", w=8, h=5, fill=10,
    description="Model calls per minute. Follows environment, agent and project. A sudden drop to zero means that "
    "agents stopped or are not scraped: look at Errors and alerts. A jump without a cause is often a loop: look at "
    "Agent behaviour.",
    targets=[Prom(expr=_VOLUME, legend="Calls")],
)  # fmt: skip
ERROR_RATE = graph(
    title="Error rate", unit="percentunit", interval="1m", w=8, h=5, fill=10, limits=theme.rising(theme.ERROR_RATIO),
    defaults={"min": 0}, custom={"axisSoftMax": 0.1}, nothing="No calls in this time range",
    description="Share of model calls that failed; the dashed lines are 2% and the 5% at which an alert fires. When "
    "it rises, Errors and alerts shows which errors and LLM performance which model.",
    targets=[Prom(expr=_ERROR_SHARE, legend="Failed")],
)  # fmt: skip
LATENCY_PANEL = graph(
    title="Latency", unit="s", interval="1m", w=8, h=5, overrides=coloured(theme.QUANTILES),
    description="How long half (P50), 95% and 99% of the model calls took. Follows environment and agent, not model "
    "and project. A dot is one call; click it for its trace. When P99 leaves the others, single calls hang; when all "
    "rise, the provider is slow: LLM performance has every model on its own.",
    targets=[
        *(
            Prom(expr=s.quantile(share, LATENCY, s.AGENT), legend=name, ref=ref)
            for share, name, ref in ((0.5, "P50", "A"), (0.95, "P95", "B"), (0.99, "P99", "C"))
        ),
        exemplars("llm_latency_seconds", s.AGENT, "D"),
    ],
)  # fmt: skip
COST_TODAY = stat(
    title="Cost today", unit="currencyUSD", w=8, h=3, timeFrom="now/d", nothing="Nothing spent yet", words="value",
    defaults={"decimals": 2},
    description="Dollars since midnight UTC, exact: the sum of the ledger's lines in Loki, not of counters, beside "
    "the sum of the daily budgets of the projects chosen (prometheus/rules/0-thresholds.yml). Follows environment and "
    "project. If it grows faster than usual, Cost analysis shows who spends it.",
    targets=[
        LokiNow(expr=_SPENT_TODAY, legend="Spent", ref="A"),
        PromNow(expr=_BUDGET_TODAY, legend="Budget", ref="B"),
    ],
    overrides=[
        override("B", matcher="byFrameRefID", unit="prefix:/ $", decimals=0, thresholds=theme.steps(theme.CALM)),
    ],
)  # fmt: skip
BUDGET_TODAY = share_bars(
    title="Share of the daily budget", unit="percentunit", w=8, h=3, timeFrom="now/d",
    defaults={"max": 1, "decimals": 1}, limits=theme.rising(theme.BUDGET_RATIO), nothing="No budget known yet",
    description="Share of the daily budget spent since midnight UTC, from the exact sums above it. Orange from 80%, "
    "where an alert tells the owner; red when it is used up. Cost analysis shows by whom.",
    targets=[
        LokiNow(expr=_SPENT_TODAY, legend="Spent", ref="A", hide=True),
        PromNow(expr=_BUDGET_TODAY, legend="Budget", ref="B", hide=True),
        Calculated(expr="$A / $B", ref="C"),
    ],
    overrides=[override("C", matcher="byFrameRefID", displayName="of the budget")],
)  # fmt: skip
TOKENS_BY_MODEL = share_bars(
    title="Token usage by model", unit="percentunit", w=16, h=6, defaults={"max": 1, "decimals": 2}, thin=True,
    description="Each model's share of the input and output tokens of the time range; the eight largest. "
    "From counters: for comparing, not for billing. When a costly model's share grows, look at Cost analysis.",
    targets=[PromNow(expr=_TOKEN_SHARE, legend="{{model}}")],
)  # fmt: skip
RECENT = table(
    title="Recent traces", w=24, h=7, sort="Ended", join="trace_id",
    description="The 50 newest runs in which a chosen agent took part: how they ended, how long they took, what they "
    "used; cost is exact (ledger). The trace id opens the trace. Sampled-out traces have no spans, their payloads are "
    "in the logs all the same.",
    targets=[
        LokiNow(expr=f"{_NEWEST} / 1e6", ref="A"),
        LokiNow(expr=f"{_DURATIONS} and on (trace_id) {_KEYS}", ref="B"),
        LokiNow(expr=_per_trace("tokens_total"), ref="C"),
        LokiNow(expr=_per_trace("total_cost_usd"), ref="D"),
    ],
    columns=[
        Column("Value #A", "Ended", unit=SECOND, width=165),
        Column("status", "Status", words=("ok", "error"), width=80),
        Column("agent", "Agent"),
        Column("project", "Project"),
        Column("outcome", "Outcome"),
        Column("Value #B", "Duration", unit="ms", width=100),
        Column("Value #C", "Tokens", unit="short", width=90),
        Column("Value #D", "Cost", unit="currencyUSD", width=90, decimals=4),
        Column("trace_id", "Trace", width=110, links=trace_links(), short=True),
    ],
)  # fmt: skip

BOARD = Board(
    title="Overview",
    description="Is all well, and if not, where? Volume, errors, latency, money, tokens, the newest runs.",
    sections=[
        Section("", [VOLUME, ERROR_RATE, LATENCY_PANEL, Stack(COST_TODAY, BUDGET_TODAY), TOKENS_BY_MODEL, RECENT]),
    ],
)
