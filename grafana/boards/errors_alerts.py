"""Errors and alerts: what is firing, what breaks, and is the telemetry itself to be trusted?"""

from __future__ import annotations

from pathlib import Path

import yaml

from boards import selectors as s
from boards import theme
from boards.board import Board, Section
from boards.panels import coloured, graph, logs, stat
from boards.tables import Column, table, traces
from boards.targets import Loki, LokiNow, Prom, PromNow
from boards.variables import LEVEL, RUNBOOK

LOG_RULES = Path(__file__).resolve().parents[2] / "loki" / "rules" / "fake" / "alerts.yml"

_FAILED = (
    f'{{kind!="cost",{s.ENVIRONMENT},level=~"error|critical"}} | agent=~"$agent" | project=~"$project"'
    f' | model=~"$model" | json error_type="error_type", name="name"{s.ERROR}'
)
_SHOWN = (
    f'{{kind=~"app|llm_call|tool_call|memory|safety|session|task",{s.ENVIRONMENT},level=~"$level"}}'
    ' | agent=~"$agent" | project=~"$project"'
    f"{s.READABLE}"
)
_RUNBOOK = ("What to do", "${runbook}${__value.raw}")
_SUBJECT = ("agent", "project", "model", "tool", "store", "limit", "provider", "check", "instance", "destination")
"""Labels that say whom an alert is about."""


def _about(alerts: str) -> str:
    """Alerts with one label for whom they are about, instead of a column for each that only some have."""
    sources = ", ".join(f'"{label}"' for label in _SUBJECT)
    return f'label_join({alerts}, "subject", " ", {sources})'


def _firing(name: str) -> str:
    """A log alert's expression from the rule file, as a row that names it."""
    rules = yaml.safe_load(LOG_RULES.read_text("utf-8"))["groups"][0]["rules"]
    rule = next(rule for rule in rules if rule["alert"] == name)
    expr = " ".join(line.strip() for line in rule["expr"].splitlines())
    return f'label_replace({expr}, "alertname", "{name}", "", "")'


def _growth(metric: str, by: str) -> str:
    """How much a counter grew in each step; a series that is new counts from 0, which increase() cannot see."""
    before = "offset $__rate_interval"
    new = f"{metric} unless {metric} {before} and on () count(up {before})"
    return f"sum by ({by}) (({new}) or increase({metric}[$__rate_interval])) > 0"


ALERTS = [
    table(
        title="Firing alerts", w=16, h=9, sort="For", nothing="No alert is firing",
        description="Every alert of Prometheus that fires now, and for how long, the oldest first. The name leads to "
        "its section of the runbook (set where docs/ can be read in the field Runbook at). Those on log lines stand "
        "beside it.",
        targets=[PromNow(
            expr=_about('((time() - ALERTS_FOR_STATE) and ignoring (alertstate) ALERTS{alertstate="firing"})'),
            table=True,
        )],
        columns=[
            Column("severity", "Severity", words=("critical", "warning", "info"), width=90),
            Column("alertname", "Alert", links=(_RUNBOOK,), width=220), Column("subject", "About"),
            Column("Value", "For", unit="s", width=110),
        ],
    ),
    table(
        title="Alerts on log lines", w=8, h=9, sort="Lines", nothing="No alert is firing", merge=True,
        description="What Loki's own alert rules see at this moment: secrets in logs, bursts of errors, critical "
        "lines. The expressions come from loki/rules. The runbook has a section for each.",
        targets=[
            LokiNow(expr=_firing(name), ref=ref)
            for name, ref in (("SecretInLogs", "A"), ("ErrorBurst", "B"), ("CriticalLogged", "C"))
        ],
        columns=[
            Column("alertname", "Alert", links=(_RUNBOOK,)), Column("service_name", "Service"),
            Column("agent", "Agent"), Column("kind", "Kind"), Column("Value #A", "Secrets", unit="short"),
            Column("Value #B", "Errors", unit="short"), Column("Value #C", "Critical", unit="short"),
        ],
    ),
    graph(
        title="Alerts over time", w=24, h=6, stacked=True, bars=True, interval="1m", nothing="No alert fired",
        description="How many alerts fired at the same time, by name. A name that comes and goes needs another "
        "threshold or a longer `for`.",
        targets=[Prom(expr='sum by (alertname) (ALERTS{alertstate="firing"})', legend="{{alertname}}")],
    ),
]  # fmt: skip

FAILURES = [
    graph(
        title="Errors by kind", stacked=True, bars=True, interval="1m", w=10, h=9, nothing=theme.NONE_FOUND,
        description="Failed operations and error lines in each step, by kind of record, from the log: exact.",
        targets=[Loki(expr=s.counted(_FAILED, "kind", "$__interval"), legend="{{kind}}")],
    ),
    table(
        title="Error groups", w=14, h=9, sort="Count", nothing=theme.NONE_FOUND,
        description="The same error in the same place is one group; the 50 largest, from the log: exact. Begin with "
        "the first line; `syndarix-obs errors` has an example of each.",
        targets=[LokiNow(expr=f"topk(50, {s.counted(_FAILED, 'kind, agent, name, error_type')})")],
        columns=[
            Column("kind", "Kind", width=90), Column("agent", "Agent", width=100), Column("name", "Where", wrap=True),
            Column("error_type", "Error", wrap=True),
            Column("Value #A", "Count", unit="short", bar=True, width=110),
        ],
    ),
    traces(
        title="Failing traces", w=24, h=9, nothing=theme.NONE_FOUND, limit=50,
        description="The newest traces with a failed span of the agents chosen; open one to see what led to the "
        "failure.",
        query=f"{{ {s.SPAN} && status = error }} with (most_recent=true)",
    ),
    logs(
        title="Log lines", w=24, h=12, nothing="No line in this time range",
        description="What the application logged and what the agents did, narrowed by the level above. A line's "
        "details lead to its trace.",
        targets=[Loki(expr=_SHOWN, lines=500)],
    ),
]  # fmt: skip

SAFETY = [
    graph(
        title="Safety checks", stacked=True, bars=True, interval="1m", overrides=coloured(theme.CALLS_OF),
        nothing="No safety check ran",
        description="Checks per minute by result, over all agents. A failed check is the check at work; many at once "
        "are an attack or a broken prompt, and an alert.",
        targets=[Prom(
            expr=f"sum by (result) (rate(safety_checks_total{{{s.ENVIRONMENT}}}[$__rate_interval])) * 60",
            legend="{{result}}",
        )],
    ),
    table(
        title="Failed safety checks", sort="Failures", nothing=theme.NONE_FOUND,
        description="Which check failed for which agent in the time range, from the log: exact.",
        targets=[LokiNow(expr=s.counted(
            f'{s.lines("safety")} | json check="check", passed="passed" | passed="false"', "check, agent"
        ))],
        columns=[
            Column("check", "Check"), Column("agent", "Agent"),
            Column("Value #A", "Failures", unit="short", bar=True, width=200),
        ],
    ),
]  # fmt: skip

PIPELINE = [
    stat(title="Agent processes up", w=6,
         description="Processes of agents whose scrape endpoint answers; the servers of the stack are not counted. "
         "Less than usual: an alert names the lost one.",
         targets=[PromNow(expr='sum(up{job="agents"})')], nothing="No agent is scraped"),
    stat(title="Records given up", w=6, defaults={"decimals": 0},
         limits=theme.steps(theme.GOOD, (1, theme.BAD)), nothing=theme.NONE_FOUND,
         description="Records or payloads that were dropped in the time range; the panel below says why. Costs and "
         "counters count them all the same.",
         targets=[PromNow(expr="sum(increase(syndarix_obs_records_dropped_total[$__range]))")]),
    stat(title="Waiting on disk", unit="bytes", w=6, nothing="Nothing waits",
         description="What the agents keep because a destination does not take it. It drains by itself once the "
         "destination is back.",
         limits=theme.steps(theme.GOOD, (1e6, theme.NOTICE), (429496729, theme.BAD)),
         targets=[PromNow(expr="sum(syndarix_obs_spool_bytes)")]),
    stat(title="Contained failures", w=6, defaults={"decimals": 0},
         limits=theme.steps(theme.GOOD, (1, theme.WARN)), nothing=theme.NONE_FOUND,
         description="Failures inside the telemetry itself. The agents are unharmed; please report them.",
         targets=[PromNow(expr="sum(increase(syndarix_obs_internal_errors_total[$__range]))")]),
    graph(title="Failed attempts to send", w=8, h=6, interval="30s", nothing=theme.NONE_FOUND,
          description="By destination. A few are retried and harmless; a steady line is a destination that is down.",
          targets=[Prom(expr=_growth("syndarix_obs_export_failures_total", "destination"), legend="{{destination}}")]),
    graph(title="Given up, by reason", w=8, h=6, interval="30s", nothing=theme.NONE_FOUND,
          description="queue_full: the process makes more than it can send; spool_full: a destination was away too "
          "long; rejected: a destination refused a record.",
          targets=[Prom(expr=_growth("syndarix_obs_records_dropped_total", "reason"), legend="{{reason}}")]),
    graph(title="Contained failures, by place", w=8, h=6, interval="30s", nothing=theme.NONE_FOUND,
          description="Where inside the telemetry. The first line in the agent's own log has the traceback.",
          targets=[Prom(expr=_growth("syndarix_obs_internal_errors_total", "site"), legend="{{site}}")]),
    graph(title="Masked before leaving", w=8, h=6, interval="30s", nothing="Nothing had to be masked",
          description="Secrets and personal data that redaction masked, by kind. A jump means that a tool or prompt "
          "began to carry them.",
          targets=[Prom(expr=_growth("syndarix_obs_redactions_total", "type"), legend="{{type}}")]),
    graph(title="Texts cut to size", w=8, h=6, interval="30s", nothing="Nothing was cut",
          description="Previews are cut as a matter of course; cut payloads mean that SYNDARIX_OBS_MAX_PAYLOAD_BYTES "
          "is too small for this agent.",
          targets=[Prom(expr=_growth("syndarix_obs_truncations_total", "site"), legend="{{site}}")]),
    graph(title="Label values collapsed", w=8, h=6, interval="30s", nothing="No label overflowed",
          description="Values counted as `other` because the label already has as many as are allowed: someone uses "
          "an id as a name.",
          targets=[Prom(expr=_growth("syndarix_obs_label_values_collapsed_total", "metric, label"),
                        legend="{{metric}} {{label}}")]),
]  # fmt: skip

BOARD = Board(
    title="Errors and alerts",
    description="What is firing, what breaks, and is the telemetry itself to be trusted?",
    further=[LEVEL, RUNBOOK],
    hours=3,
    sections=[
        Section("Alerts", ALERTS),
        Section("Errors", FAILURES),
        Section("Safety", SAFETY),
        Section("Health of the telemetry", PIPELINE),
    ],
)
