"""Overview: is all well, and if not, where?"""

from __future__ import annotations

from boards import selectors as s
from boards import theme
from boards.board import Board, Section, Stack
from boards.panels import coloured, gauge, graph, override, share_bars, stat
from boards.tables import Column, table, trace_link
from boards.targets import Calculated, LokiNow, Prom, PromNow

REQUESTS = "environment_agent_project:llm_requests:rate1m"
ERRORS = "environment_agent_project:llm_errors:rate1m"
TOKENS = "environment_agent_project_model:llm_tokens:increase5m"
LATENCY = "environment_agent_le:llm_latency_seconds_bucket:rate5m"

_VOLUME = f"{s.mean(REQUESTS, s.AGENT_PROJECT)} * 60"
_ERROR_SHARE = f"{s.mean(ERRORS, s.AGENT_PROJECT)} / ({s.mean(REQUESTS, s.AGENT_PROJECT)} > 0)"
_TOKENS_BY_MODEL = f"sum by (model) (sum_over_time({TOKENS}{{{s.LLM}}}[$__range]))"
_TOKEN_SHARE = (
    f"sort_desc(topk(10, {_TOKENS_BY_MODEL}) / on () group_left () sum({_TOKENS_BY_MODEL}))"
)  # fmt: skip
_PAID_BY_PROJECT = f'{{kind="cost",{s.ENVIRONMENT}}} | {s.PROJECT} | json usd="total_cost_usd" | unwrap usd'
_SPENT_TODAY = f'sum(sum_over_time({_PAID_BY_PROJECT} | __error__="" [$__range])) or vector(0)'
_BUDGET_TODAY = f"sum(project:budget_daily:dollars{{{s.PROJECT}}})"

_ROOTS = (
    f'{s.lines("session")} | json parent="parent_id", status="status", outcome="outcome", n="{{field}}"'
    ' | parent="" | status!="running" | unwrap n | __error__="" [$__range]'
)
_ENDED = _ROOTS.replace("{field}", "end_ns")
_NEWEST = f"topk(50, max by (trace_id, agent, project, status, outcome) (max_over_time({_ENDED})))"
_KEYS = f"topk(50, max by (trace_id) (max_over_time({_ENDED})))"
_DURATIONS = f"max by (trace_id) (max_over_time({_ROOTS.replace('{field}', 'duration_ms')}))"
_OF_TRACE = f'{{kind="cost",{s.ENVIRONMENT}}} | json n="{{field}}" | unwrap n | __error__="" [$__range]'


def _per_trace(field: str) -> str:
    """Sum over the ledger's lines of the newest traces, whichever agent made the calls."""
    total = f"sum by (trace_id) (sum_over_time({_OF_TRACE.replace('{field}', field)}))"
    return f"{total} and on (trace_id) {_KEYS}"


VOLUME = graph(
    title="Request volume", unit="reqpm", interval="1m",
    description="Model calls per minute. Follows environment, agent and project. A sudden drop to zero means that "
    "agents stopped or are not scraped: look at Errors and alerts. A jump without a cause is often a "
    "loop: look at Agent behaviour.",
    targets=[Prom(expr=_VOLUME, legend="Calls")],
)  # fmt: skip
ERROR_RATE = graph(
    title="Error rate", unit="percentunit", interval="1m", limits=theme.rising(theme.ERROR_RATIO),
    defaults={"min": 0}, nothing="No calls in this time range",
    description="Share of model calls that failed; the dashed lines are 2% and the 5% at which an alert fires. When it "
    "rises, Errors and alerts shows which errors and LLM performance which model.",
    targets=[Prom(expr=_ERROR_SHARE, legend="Failed")],
)  # fmt: skip
LATENCY_PANEL = graph(
    title="Latency P50, P95, P99", unit="s", interval="5m", w=16, overrides=coloured(theme.QUANTILES),
    legend=("lastNotNull", "max"),
    description="How long half, 95% and 99% of the model calls took, in steps of 5 minutes. Follows environment and "
    "agent, not model and project. When P99 leaves the others, single calls hang; when all rise, the provider is "
    "slow: LLM performance has every model on its own.",
    targets=[
        Prom(expr=s.quantile(share, LATENCY, s.AGENT), legend=name, ref=ref)
        for share, name, ref in ((0.5, "P50", "A"), (0.95, "P95", "B"), (0.99, "P99", "C"))
    ],
)  # fmt: skip
COST_TODAY = stat(
    title="Cost today", unit="currencyUSD", w=8, h=3, timeFrom="now/d", nothing="Nothing spent yet",
    description="Dollars since midnight UTC, exact: the sum of the ledger's lines in Loki, not of counters, beside the "
    "sum of the daily budgets of the projects chosen (prometheus/rules/0-thresholds.yml). Follows environment and "
    "project. If it grows faster than usual, Cost analysis shows who spends it.",
    targets=[
        LokiNow(expr=_SPENT_TODAY, legend="Spent", ref="A"),
        PromNow(expr=_BUDGET_TODAY, legend="Budget", ref="B"),
    ],
    overrides=[override("Value #A", displayName="Spent")],
)  # fmt: skip
BUDGET_TODAY = gauge(
    title="Of today's budget", unit="percentunit", w=8, h=5, timeFrom="now/d", defaults={"min": 0, "max": 1},
    limits=theme.rising(theme.BUDGET_RATIO), nothing="No budget known yet",
    description="Share of the daily budget spent since midnight UTC, from the exact sums beside it. Orange from 80%, "
    "where an alert tells the owner; red when it is used up. Cost analysis shows by whom.",
    targets=[
        LokiNow(expr=_SPENT_TODAY, legend="Spent", ref="A", hide=True),
        PromNow(expr=_BUDGET_TODAY, legend="Budget", ref="B", hide=True),
        Calculated(expr="$A / $B", ref="C"),
    ],
)  # fmt: skip
TOKENS_BY_MODEL = share_bars(
    title="Token usage by model", unit="percentunit", w=24, h=7, defaults={"max": 1},
    description="Each model's share of the input and output tokens of the time range; the ten largest. From counters: "
    "good for comparing, not for billing. When a costly model's share grows, look at Cost analysis.",
    targets=[PromNow(expr=_TOKEN_SHARE, legend="{{model}}")],
)  # fmt: skip
RECENT = table(
    title="Recent traces", w=24, h=12, sort="Ended", join="trace_id",
    description="The 50 newest runs: how they ended, how long they took, what they used; cost is exact (ledger). The "
    "trace id opens the trace. Sampled-out traces have no spans, their payloads are in the logs all the same.",
    targets=[
        LokiNow(expr=f"{_NEWEST} / 1e6", ref="A"),
        LokiNow(expr=f"{_DURATIONS} and on (trace_id) {_KEYS}", ref="B"),
        LokiNow(expr=_per_trace("tokens_total"), ref="C"),
        LokiNow(expr=_per_trace("total_cost_usd"), ref="D"),
    ],
    columns=[
        Column("Value #A", "Ended", unit="dateTimeAsIso", width=180),
        Column("status", "Status", words=("ok", "error"), width=90),
        Column("agent", "Agent"),
        Column("project", "Project"),
        Column("outcome", "Outcome"),
        Column("Value #B", "Duration", unit="ms", width=110),
        Column("Value #C", "Tokens", unit="short", width=100),
        Column("Value #D", "Cost", unit="currencyUSD", width=100),
        Column("trace_id", "Trace", width=300, link=trace_link()),
    ],
)  # fmt: skip

BOARD = Board(
    title="Overview",
    description="Is all well, and if not, where? Volume, errors, latency, money, tokens, the newest runs.",
    sections=[
        Section("", [VOLUME, ERROR_RATE, LATENCY_PANEL, Stack(COST_TODAY, BUDGET_TODAY), TOKENS_BY_MODEL, RECENT]),
    ],
)
