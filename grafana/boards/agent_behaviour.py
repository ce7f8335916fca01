"""Agent behaviour: do the agents get their work done, how do they decide, and where do they get stuck?"""

from __future__ import annotations

from boards import selectors as s
from boards import theme
from boards.board import Board, Section
from boards.panels import coloured, graph, node_graph, outcomes, stat
from boards.tables import SECOND, Column, board_link, table, trace_links
from boards.targets import Loki, LokiNow, Prom, PromNow, exemplars

SESSIONS = "environment_agent_type_status:agent_sessions:rate1m"
DECISIONS = "environment_agent_type_selected:agent_decisions:rate5m"
TASKS = "environment_task_type_le:agent_task_duration_seconds_bucket:rate2m"
SECTIONS = "environment_agent_section:context_tokens_used:max5m"
WINDOW = "environment_agent:context_window_used:max"
MEMORY = "environment_operation_store_status:memory_operations:rate1m"
MEMORY_SECONDS = "environment_operation_le:memory_operation_seconds_bucket:rate1m"
LOAD = "agent_series:agent_load:value5m"
LOW = "agent_series:agent_load:low"
HIGH = "agent_series:agent_load:high"
CONTEXT_SECONDS = "environment_le:context_assembly_seconds_bucket:rate1m"

_MEMORY_FAILED = f'{s.ENVIRONMENT},status="error"'
_FAILED = f'{s.SESSIONS} | status="error"'
_DECISIONS = s.lines("decision")
_SAID = (
    f'{_DECISIONS} | json type="decision_type", selected="selected", options="options", confidence="confidence",'
    ' reasoning="reasoning"'
    ' | label_format options=`{{regexReplaceAll "," (regexReplaceAll "[\\\\[\\\\]\\"]" .options "") ", "}}`,'
    ' type=`{{regexReplaceAll "_" .type " "}}`'
)
"""The options as words, not as JSON."""
_SHOWN = ("agent", "type", "selected", "options", "confidence", "reasoning")
_STUCK = (
    f"time() - max by (agent) (last_over_time(agent_last_progress_timestamp_seconds{{{s.AGENT}}}[1m]))"
    f" and on (agent) sum by (agent) (last_over_time(agent_sessions_active{{{s.AGENT}}}[1m])) > 0"
)
"""A scrape that fails once must not empty the panel: the last value of a minute counts."""
_LOOPS = f'{s.lines("tool_call")} | json loop="loop_count" | loop!=""'
_VERSIONED = ' | json version="agent_version" | version!=""'


_CHOSEN = (
    f"topk(12, sum by (id, source, target) (count_over_time({_DECISIONS}"
    ' | json type="decision_type", target="selected" | type!="parameter_generation" | target!=""'
    " | label_format id=`{{.agent}} → {{.target}}`, source=agent [$__range])))"
)
"""Decisions by agent and choice, as lines of a node graph."""

_EPISODE_SHOWN = ("agent", "series", "state", "score", "observed", "expected", "episode")
_EPISODES = (
    f"topk(100, max by ({', '.join(_EPISODE_SHOWN)}) (max_over_time({s.lines('anomaly')} | json "
    + ", ".join(f'{name}="{name}"' for name in (*_EPISODE_SHOWN[1:], "end_ns"))
    + ' | unwrap end_ns | __error__="" [$__range]))) / 1e6'
)


def _band(series: str) -> list[Prom]:
    """A series of the agents, and the ends of what is usual for it."""
    where = f'{{{s.AGENT},series="{series}"}}'
    return [
        Prom(expr=f"{LOAD}{where}", legend="{{agent}}", ref="A"),
        Prom(expr=f"{LOW}{where}", legend="{{agent}} from", ref="B"),
        Prom(expr=f"{HIGH}{where}", legend="{{agent}} to", ref="C"),
    ]


def _by_version(kind: str, rest: str = "", *, model: bool = False) -> str:
    lines = f"{s.lines(kind, model=model)}{_VERSIONED}{rest}"
    return f"sum by (agent, version) (count_over_time({lines} [$__range]))"


_VERSION_CALLS = _by_version("llm_call", model=True)
_VERSION_ERRORS = _by_version("llm_call", ' | json status="status" | status="error"', model=True)
_LATENCY = f'{s.lines("llm_call", model=True)} | json version="agent_version", n="duration_ms" | version!="" | unwrap n'
_VERSION_LATENCY = f'avg_over_time({_LATENCY} | __error__="" [$__range]) by (agent, version)'
_COST = f'{s.LEDGER} | json version="agent_version", n="total_cost_usd" | version!="" | unwrap n'
_VERSION_COST = f'sum by (agent, version) (sum_over_time({_COST} | __error__="" [$__range]))'
_NEWEST_VERSIONS = f"topk(30, {_VERSION_CALLS})"

SUMMARY = [
    stat(title="Running now",
         description="Sessions that are open at this moment. Many that never end are stuck: see below.",
         targets=[PromNow(expr=f"sum(last_over_time(agent_sessions_active{{{s.AGENT}}}[1m]))")]),
    stat(title="Ended",
         description="Sessions that ended in the time range, from the log: exact. Fewer than usual with as many "
         "running: they do not get done.",
         targets=[LokiNow(expr=s.counted(s.SESSIONS))]),
    stat(title="Failed", unit="percentunit", limits=theme.rising((0.05, 0.20)), defaults={"decimals": 1},
         description="Share of the sessions that ended with an error. From one in five on an alert fires.",
         targets=[LokiNow(expr=f"({s.counted(_FAILED)} or vector(0)) / {s.counted(s.SESSIONS)}")], nothing="No "
              "session ended"),
    stat(title="Confidence", unit="percentunit", limits=theme.falling((0.5, 0.7)), nothing="No decision said how "
         "sure it was",
         description="Mean of how sure the agents said they were of their decisions. A falling mean means harder or "
         "unfamiliar work.",
         targets=[LokiNow(expr=f'avg(avg_over_time({_DECISIONS} | json n="confidence" | unwrap n | __error__="" '
              f'[$__range]))')]),
    stat(title="Loop count", defaults={"decimals": 0},
         limits=theme.steps(theme.GOOD, (1, theme.WARN)), nothing=theme.NONE_FOUND,
         description="How often an agent called the same tool with the same arguments again and again, from the log: "
         "exact. Each is an alert.",
         targets=[LokiNow(expr=s.counted(_LOOPS))]),
    stat(title="Longest wait", unit="s", limits=theme.rising(theme.STUCK_S), nothing="No session is open",
         description="Seconds since the last finished step, of the slowest agent with an open session. From 5 minutes "
         "on an alert fires.",
         targets=[PromNow(expr=f"max({_STUCK})")]),
]  # fmt: skip

OUTCOMES = [
    graph(
        title="Sessions by status", unit="short", interval="1m", stacked=True, bars=True,
        overrides=coloured(theme.CALLS_OF),
        description="Sessions that ended, per minute. Red that grows: look at the failing traces on Errors and alerts.",
        targets=[Prom(expr=f"{s.mean(SESSIONS, s.AGENT, 'status')} * 60", legend="{{status}}")],
    ),
    graph(
        title="Outcomes", stacked=True, bars=True, interval="5m", legend=("sum",), right=True, nothing="No session "
             "named an outcome", defaults={"color": {"mode": "shades", "fixedColor": theme.PLAIN}},
        overrides=outcomes(),
        description="What the sessions led to, in the words of the agents' developers, from the log: exact. More "
        "escalations than yesterday mean that something the agents need is missing.",
        targets=[Loki(
            expr=s.counted(f'{s.SESSIONS} | outcome!=""', "outcome", "$__interval"),
            legend="{{outcome}}",
        )],
    ),
    graph(
        title="Task duration P50", unit="s", interval="1m", nothing="No task ended",
        description="Half of the tasks of a type were quicker than this. Follows environment.",
        targets=[Prom(expr=s.quantile(0.5, TASKS, s.ENVIRONMENT, "task_type"), legend="{{task_type}}")],
    ),
    graph(
        title="Task duration P95", unit="s", interval="1m", nothing="No task ended",
        description="95% of the tasks of a type were quicker than this. A rise with steady latency of models and "
        "tools means more steps for each task. Follows environment.",
        targets=[
            Prom(expr=s.quantile(0.95, TASKS, s.ENVIRONMENT, "task_type"), legend="{{task_type}}"),
            exemplars("agent_task_duration_seconds", s.AGENT, "B"),
        ],
    ),
    graph(
        title="Scores", w=24, interval="1m", nothing="Nobody gave a score",
        description="Mean of the scores, outcomes and feedback that came in the last hour, by name; yes counts as 1. "
        "By version, prompt and model, with intervals: `syndarix-obs quality`.",
        targets=[Prom(
            expr=f"sum by (name) (rate(agent_evaluation_score_sum{{{s.AGENT}}}[1h])) / "
            f"sum by (name) (rate(agent_evaluation_score_count{{{s.AGENT}}}[1h]))",
            legend="{{name}}",
        )],
    ),
]  # fmt: skip

CHOICES = [
    graph(
        title="Decisions by what was chosen", stacked=True, interval="1m", w=24, h=8, legend=("mean",),
        right=True, nothing="No decision was recorded",
        description="Decisions per minute by choice. A choice that takes over everything is a prompt that leaves no "
        "other.",
        targets=[Prom(expr=f"{s.mean(DECISIONS, s.AGENT, 'selected')} * 60", legend="{{selected}}")],
    ),
    node_graph(
        title="Who chose what", w=24, h=18, unit="times", nothing="No decision was recorded",
        description="Agents and what they chose, in the time range, from the log: exact; the 12 most frequent, without "
        "parameters of tools. Two agents that choose the same may be one too many. What follows what within a run: "
        "`syndarix-obs decisions --graph`.",
        edges=LokiNow(expr=_CHOSEN, ref="edges"),
    ),
    table(
        title="Newest decisions", w=24, h=11, sort="Time", nothing="No decision was recorded",
        description="What was chosen over what, how sure the agent was, and why. Low confidence with a good outcome "
        "is luck.",
        targets=[Loki(expr=_SAID, lines=100)],
        before=[
            {
                "id": "extractFields",
                "options": {"source": "labels", "format": "json", "replace": False, "keepTime": False,
                    "jsonPaths": [{"path": name} for name in _SHOWN],},
            },
            {
                "id": "convertFieldType",
                "options": {
                    "fields": {}, "conversions": [{"targetField": "confidence", "destinationType": "number"}],
                },
            },
        ],
        columns=[
            Column("Time", "Time", unit=SECOND, width=150),
            Column("agent", "Agent", width=80),
            Column("type", "Type", width=110, wrap=True),
            Column("selected", "Chosen", width=130, wrap=True),
            Column("options", "Out of", width=190, wrap=True),
            Column("confidence", "Sure", unit="percentunit", width=60, limits=theme.falling((0.5, 0.7))),
            Column("reasoning", "Why", wrap=True),
            Column("trace_id", "Trace", width=100, links=trace_links(), short=True),
        ],
    ),
]  # fmt: skip

TROUBLE = [
    table(
        title="Loops", h=7, sort="Loops", nothing=theme.NONE_FOUND,
        description="Who repeated which call, from the log: exact. Open the tool to see the arguments that came "
        "again; the usual cause is an error message that tells the model nothing.",
        targets=[LokiNow(expr=f"topk(50, sum by (agent, tool, session_id) (count_over_time({_LOOPS} [$__range])))")],
        columns=[
            Column("agent", "Agent"),
            Column("tool", "Tool", links=(board_link("This tool", "tool-usage", tool="${__value.raw}"),)),
            Column("session_id", "Session", width=110, short=True),
            Column("Value #A", "Loops", unit="short", bar=True, width=160),
        ],
    ),
    table(
        title="Open sessions without a step", h=7, sort="Silent for", nothing="No session is open",
        description="How long ago each agent with an open session finished its last step. From 5 minutes on it counts "
        "as stuck: look for a call that hangs.",
        targets=[PromNow(expr=_STUCK, table=True)],
        columns=[Column("agent", "Agent"), Column("Value", "Silent for", unit="s", limits=theme.rising(theme.STUCK_S))],
    ),
]  # fmt: skip

CONTEXT = [
    graph(
        title="Context window by section", unit="short", interval="1m", stacked=True, nothing="No context was "
             "assembled",
        description="Tokens by section in the contexts assembled last, summed over the agents chosen. A section that "
        "only grows, usually history, will push the others out.",
        targets=[Prom(
            expr=f"sum by (section) (max_over_time({SECTIONS}{{{s.AGENT}}}[{s.step_of(SECTIONS)}]))",
            legend="{{section}}",
        )],
    ),
    graph(
        title="Context window used", unit="percentunit", interval="1m", defaults={"max": 1},
        limits=theme.rising(theme.CONTEXT_RATIO), nothing="No context with a known limit was assembled",
        description="Share of the window that each agent filled last. Above 90% the next assembly evicts, and an "
        "alert says so.",
        targets=[Prom(expr=f"max by (agent) (max_over_time({WINDOW}{{{s.AGENT}}}[$__interval]))", legend="{{agent}}")],
    ),
    graph(
        title="Memory operations", interval="1m", stacked=True, nothing="No memory was used",
        description="Operations per minute by kind and store, over all agents. Writes without reads are memories "
        "nobody uses.",
        targets=[Prom(
            expr=f"{s.mean(MEMORY, s.ENVIRONMENT, 'operation, store')} * 60",
            legend="{{operation}} {{store}}",
        )], w=8,
    ),
    graph(
        title="Memory failures", unit="percentunit", interval="1m", w=8, defaults={"min": 0, "max": 1},
        limits=theme.rising((0.05, 0.10)),
        nothing="No memory was used",
        description="Share of memory operations that failed, over all agents. From 10% on an alert fires: an agent "
        "that cannot remember answers wrongly without an error of its own.",
        targets=[Prom(
            expr=f"{s.mean(MEMORY, _MEMORY_FAILED, 'store')} / ({s.mean(MEMORY, s.ENVIRONMENT, 'store')} > 0)",
            legend="{{store}}",
        )],
    ),
    graph(
        title="Memory and context P95", unit="s", interval="1m", w=8, nothing="No memory was used",
        description="95% of memory operations, and of context assemblies, were quicker than this. It is part of every "
        "answer's latency.",
        targets=[
            Prom(expr=s.quantile(0.95, MEMORY_SECONDS, s.ENVIRONMENT, "operation"), legend="{{operation}}", ref="A"),
            Prom(expr=s.quantile(0.95, CONTEXT_SECONDS, s.ENVIRONMENT), legend="context", ref="B"),
        ],
    ),
]  # fmt: skip

ANOMALIES = [
    graph(
        title="How unusual", unit="short", interval="15s", w=6, nothing="Nothing unusual is open", defaults={"min": 0},
        description="Score of each open episode: how far a series of an agent is from its own past. From 1 on it is "
        "unusual and an alert fires; `syndarix-obs watch` looks every five minutes.",
        targets=[Prom(expr=f"max by (agent, series) (agent_anomaly{{{s.AGENT}}}) > 0", legend="{{agent}} {{series}}")],
    ),
    table(
        title="Episodes", w=18, sort="Time", nothing="Nothing unusual was found",
        description="When an agent was unlike its own past: opened, worse, closed. Click on an episode for what "
        "changed then.",
        targets=[LokiNow(expr=_EPISODES)],
        columns=[
            Column("Value #A", "Time", unit=SECOND, width=150),
            Column("agent", "Agent", width=85),
            Column("series", "Series", width=115),
            Column("state", "State", width=70),
            Column("score", "Score", width=60),
            Column("observed", "Observed", width=80),
            Column("expected", "Expected", width=80),
            Column("episode", "Episode", wrap=True, links=(
                ("What changed, in the explorer", "${explorer}/investigate?episode=${__value.raw}"),
            )),
        ],
    ),
    *(
        graph(
            title=f"{title} and what is usual", unit=unit, interval="5m", w=8, fill=0, defaults={"min": 0},
            nothing="No calls yet, or less than a day of them",
            description=f"{about}, and between which values it usually is at this time of day; of week, once two weeks "
            "exist. A band alone raises no alert. Choose one agent to read it.",
            targets=_band(series),
        )
        for title, series, unit, about in (
            ("Calls", "calls", "short", "Model calls in five minutes"),
            ("Cost", "cost", "currencyUSD", "Dollars in five minutes (a trend: exact sums are on Cost analysis)"),
            ("Latency P95", "latency_p95", "s", "95% of model calls were quicker than this"),
        )
    ),
]  # fmt: skip

_SCORED = f'{s.lines("score")} | json version="agent_version", name="score_name", n="value" | n!=""'
_SCORE_MEAN = f'avg_over_time({_SCORED} | unwrap n | __error__="" [$__range]) by (agent, version, name)'
_SCORE_COUNT = f"sum by (agent, version, name) (count_over_time({_SCORED} [$__range]))"

VERSIONS = [
    table(
        title="Agent versions side by side", w=24, h=9, merge=True, sort="Calls", nothing="No call named its version",
        description="Versions of system prompt and tools (a hash, or what the developer set): calls, failures, speed "
        "and cost (exact) in the time range, at most 30. Worse than before? Roll back. Every version is marked on the "
        "graphs.",
        targets=[
            LokiNow(expr=_NEWEST_VERSIONS, ref="A"),
            LokiNow(expr=f"{_VERSION_ERRORS} and on (agent, version) {_NEWEST_VERSIONS}", ref="B"),
            LokiNow(expr=f"{_VERSION_LATENCY} and on (agent, version) {_NEWEST_VERSIONS}", ref="C"),
            LokiNow(expr=f"{_VERSION_COST} and on (agent, version) {_NEWEST_VERSIONS}", ref="D"),
        ],
        columns=[
            Column("agent", "Agent"), Column("version", "Version"),
            Column("Value #A", "Calls", unit="short", bar=True),
            Column("Value #B", "Failed calls", unit="short", limits=theme.steps(theme.CALM, (1, theme.WARN))),
            Column("Value #C", "Mean latency", unit="ms"),
            Column("Value #D", "Cost", unit="currencyUSD", decimals=4),
        ],
    ),
    table(
        title="Quality by version", w=24, h=9, merge=True, sort="Given", nothing="Nobody gave a score",
        description="Mean of each score, outcome and feedback that has a number, by agent and version, from the log: "
        "exact; yes is 1, no is 0. A few scores say little: `syndarix-obs quality --by agent_version` has intervals.",
        targets=[
            LokiNow(expr=f"topk(50, {_SCORE_COUNT})", ref="A"),
            LokiNow(expr=f"{_SCORE_MEAN} and on (agent, version, name) topk(50, {_SCORE_COUNT})", ref="B"),
        ],
        columns=[
            Column("agent", "Agent"), Column("version", "Version"), Column("name", "Score"),
            Column("Value #B", "Mean", unit="short", decimals=2, bar=True),
            Column("Value #A", "Given", unit="short"),
        ],
    ),
]  # fmt: skip

BOARD = Board(
    title="Agent behaviour",
    description="Do the agents get their work done, how do they decide, and where do they get stuck?",
    sections=[
        Section("", SUMMARY),
        Section("Sessions and tasks", OUTCOMES),
        Section("Decisions", CHOICES),
        Section("Loops and standstill", TROUBLE),
        Section("Context and memory", CONTEXT),
        Section("Anomalies", ANOMALIES),
        Section("Versions", VERSIONS),
    ],
    alert_marks=False,
    version_marks=True,
    episode_marks=True,
)
