"""Tool usage: which tool is used by whom, fails or drags, and with which arguments?"""

from __future__ import annotations

from boards import selectors as s
from boards import theme
from boards.board import Board, Section
from boards.panels import graph, heatmap, history, stat
from boards.tables import SECOND, Column, matrix, table, trace_links
from boards.targets import LokiNow, Prom, PromNow, exemplars
from boards.variables import TOOL

CALLS = "environment_agent_tool_status:tool_invocations:rate5m"
LATENCY = "environment_tool_le:tool_latency_seconds_bucket:rate1m"
_TOOLS = f'{s.ENVIRONMENT},tool=~"$tool"'
_FAILED = f'{s.TOOL},status="error"'

_LINES = s.lines("tool_call", tool=True)
_FAILED_LINES = s.lines("tool_call", 'level="error"', tool=True)
_REPEATED = (
    f'(sum by (tool, agent, session_id, arguments) (count_over_time({_LINES} | json arguments="arguments" '
    f"[$__range])) > 1)"
    " - 1"
)
_BAD_ARGUMENTS = (
    "topk(50, sum by (tool, agent, error_type, arguments) (count_over_time("
    f'{_FAILED_LINES} | json error_type="error_type", arguments="arguments"{s.ERROR} [$__range])))'
)
_NEWEST_FAILURES = (
    "topk(50, max by (trace_id, agent, tool, error_type, error_message) (max_over_time("
    f'{_FAILED_LINES} | json error_type="error_type", error_message="error_message", n="end_ns"{s.ERROR}'
    ' | unwrap n | __error__="" [$__range]))) / 1e6'
)


def _over_range(matchers: str, by: str = "") -> str:
    return s.mean(CALLS, matchers, by, "$__range")


SUMMARY = [
    stat(title="Calls", unit="reqpm", w=6,
         description="Tool calls per minute over the time range. Many more than usual: see the repeated calls.",
         targets=[PromNow(expr=f"{_over_range(s.TOOL)} * 60")]),
    stat(title="Failed", unit="percentunit", w=6, limits=theme.rising(theme.TOOL_ERROR_RATIO), defaults={"decimals": 1},
         description="Share of the tool calls that failed. From one in five of a tool on an alert fires; the heatmap "
         "says which tool.",
         targets=[PromNow(expr=f"{_over_range(_FAILED)} / ({_over_range(s.TOOL)} > 0)")]),
    stat(title="P95 latency", unit="s", w=6,
         description="95% of the calls were quicker than this. Follows environment and tool.",
         targets=[PromNow(expr=s.quantile(0.95, LATENCY, _TOOLS, window="$__range"))]),
    stat(title="Repeated calls", w=6, limits=theme.steps(theme.CALM, (10, theme.NOTICE)), nothing="No call was "
         "repeated",
         description="Calls with the same tool and the same arguments as an earlier one of their session, from the "
         "log: exact. Retries after an error are fine; many without one are a loop in the making.",
         targets=[LokiNow(expr=f"sum({_REPEATED})")]),
]  # fmt: skip

HEATMAPS = [
    history(
        title="Calls: tool × time", unit="reqpm", interval="5m", limits=theme.ramp(theme.BLUE, 0.01, 1, 5, 20, 100),
        description="Calls per minute, a row per tool. A row that goes empty: nobody calls the tool any more, or it "
        "is not offered to the model.",
        targets=[Prom(expr=f"{s.mean(CALLS, s.TOOL, 'tool')} * 60", legend="{{tool}}")],
    ),
    history(
        title="Failures: tool × time", unit="reqpm", interval="5m", limits=theme.ramp(theme.RED, 0.01, 0.2, 1, 5),
        nothing=theme.NONE_FOUND,
        description="Failed calls per minute, a row per tool. A stripe across all rows is the network; a single row "
        "is that tool.",
        targets=[Prom(expr=f"{s.mean(CALLS, _FAILED, 'tool')} * 60", legend="{{tool}}")],
    ),
    matrix(
        title="Calls per hour: tool × agent", row="tool", column="agent", heading="Tool",
        limits=theme.ramp(theme.BLUE, 1, 10, 100, 1000),
        description="Who uses what. An empty cell where you expect calls: the agent does not have the tool, or does "
        "not know when to use it.",
        targets=[PromNow(expr=f"{_over_range(s.TOOL, 'tool, agent')} * 3600", table=True)],
    ),
    matrix(
        title="Failed share: tool × agent", row="tool", column="agent", heading="Tool", unit="percentunit",
        limits=theme.ramp(theme.RED, 0.01, 0.05, 0.2),
        nothing=theme.NONE_FOUND,
        description="A red row is a broken tool, a red cell in an empty row an agent that calls it wrongly: see the "
        "arguments below.",
        targets=[PromNow(
            expr=f"{_over_range(_FAILED, 'tool, agent')} / ({_over_range(s.TOOL, 'tool, agent')} > 0)", table=True,
        )],
    ),
]  # fmt: skip

LATENCIES = [
    graph(
        title="P95 latency by tool", unit="s", interval="1m",
        description="95% of a tool's calls were quicker than this. Follows environment and tool. Slow tools make slow "
        "sessions: compare with task durations on Agent behaviour.",
        targets=[
            Prom(expr=s.quantile(0.95, LATENCY, _TOOLS, "tool"), legend="{{tool}}"),
            exemplars("tool_latency_seconds", s.TOOL, "B"),
        ],
    ),
    heatmap(
        title="Latency", unit="s", interval="1m", cells="reqps",
        description="How many calls took how long, over the tools chosen. A second band high up is usually a timeout.",
        targets=[Prom(expr=s.mean(LATENCY, _TOOLS, "le"), legend="{{le}}", buckets=True)],
    ),
]  # fmt: skip

CAUSES = [
    table(
        title="Arguments that fail", w=24, h=9, sort="Failures", nothing=theme.NONE_FOUND,
        description="Failed calls grouped by tool, error and arguments (redacted), from the log: exact. The same "
        "wrong argument again and again belongs into the tool's description or its schema.",
        targets=[LokiNow(expr=_BAD_ARGUMENTS)],
        columns=[
            Column("tool", "Tool", width=170), Column("agent", "Agent", width=130),
            Column("error_type", "Error", width=180), Column("arguments", "Arguments", wrap=True),
            Column("Value #A", "Failures", unit="short", bar=True, width=200),
        ],
    ),
    table(
        title="Most repeated calls", w=24, h=7, sort="Repeats", nothing="No call was repeated",
        description="The same call more than once in a session: how many times too many. Exact, from the log.",
        targets=[LokiNow(expr=f"topk(50, {_REPEATED})")],
        columns=[
            Column("tool", "Tool", width=120), Column("agent", "Agent", width=80),
            Column("arguments", "Arguments", wrap=True), Column("session_id", "Session", width=100, short=True),
            Column("Value #A", "Repeats", unit="short", width=100),
        ],
    ),
    table(
        title="Newest failures", w=24, h=9, sort="When", nothing=theme.NONE_FOUND,
        description="The newest failed calls and what they said; the trace shows what led to them.",
        targets=[LokiNow(expr=_NEWEST_FAILURES)],
        columns=[
            Column("Value #A", "When", unit=SECOND, width=150), Column("tool", "Tool", width=140),
            Column("agent", "Agent", width=80), Column("error_type", "Error", width=120),
            Column("error_message", "Message", wrap=True),
            Column("trace_id", "Trace", width=95, links=trace_links(), short=True),
        ],
    ),
]  # fmt: skip

BOARD = Board(
    title="Tool usage",
    description="Which tool is used by whom, fails or drags, and with which arguments?",
    further=[TOOL],
    sections=[
        Section("", SUMMARY),
        Section("Who calls what, and what fails", HEATMAPS),
        Section("Latency", LATENCIES),
        Section("Causes", CAUSES),
    ],
)
