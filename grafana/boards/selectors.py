"""The board's variables as matchers. No metric carries every label, so each kind of query has its own."""

from __future__ import annotations

import re
from typing import Final

ENVIRONMENT: Final = 'environment=~"$environment"'
AGENT: Final = f'{ENVIRONMENT},agent=~"$agent"'
MODEL: Final = f'{ENVIRONMENT},model=~"$model"'
LLM: Final = f'{AGENT},project=~"$project",model=~"$model"'
AGENT_PROJECT: Final = f'{AGENT},project=~"$project"'
TOOL: Final = f'{AGENT},tool=~"$tool"'
AGENT_MODEL: Final = 'agent=~"$agent",model=~"$model"'
"""Of recorded series that alerts use: they know no environment."""
PROJECT: Final = 'project=~"$project"'

SPARSE: Final = re.compile(r":\w+(?:2m|5m)\b")
"""Names of what is recorded every two or five minutes."""

SPAN: Final = 'resource.deployment.environment.name =~ "$environment" && span.gen_ai.agent.name =~ "$agent"'
"""TraceQL: every span of ours names its agent."""


def lines(kind: str, *labels: str, model: bool = False, tool: bool = False) -> str:
    """LogQL: lines of a kind that the variables let through; `labels` are further matchers of the stream."""
    stream = ",".join([f'kind="{kind}"', ENVIRONMENT, *labels])
    names = ["agent", "project", *(["model"] if model else []), *(["tool"] if tool else [])]
    return f"{{{stream}}}" + "".join(f' | {name}=~"${name}"' for name in names)


ERROR: Final = ' | label_format error_type=`{{regexReplaceAll "^.*[.]" .error_type ""}}`'
"""An exception's class without its module: `openai.RateLimitError` and `RateLimitError` are one."""

READABLE: Final = (
    ' | json message="message", error="error_message", name="name", outcome="outcome", ms="duration_ms",'
    ' usd="cost_usd", selected="selected", check="check", passed="passed"'
    " | line_format `{{.kind}} {{.agent}} · {{if .message}}{{.message}}{{else if .check}}{{.check}}"
    ' {{if eq .passed "true"}}passed{{else}}failed{{end}}{{else}}{{.name}}'
    "{{if .selected}} → {{.selected}}{{end}}{{if .outcome}} → {{.outcome}}{{end}}"
    '{{if .ms}} · {{divf .ms 1000 | printf "%.2f"}} s{{end}}{{if .usd}} · {{.usd | float64 | printf "%.6f"}} USD{{end}}'
    "{{if .error}} · {{.error}}{{end}}{{end}}`"
)
"""A line as a sentence: what happened, how it ended, seconds, dollars, what the error said."""

SESSIONS: Final = lines("session") + ' | json status="status", outcome="outcome" | status!="running"'
"""Sessions that ended; each also left a line when it began."""
LEDGER: Final = lines("cost", model=True)
SPENT: Final = f'{LEDGER} | json usd="total_cost_usd" | unwrap usd | __error__=""'
"""Dollars of each line of the ledger: exact; lines without a price are left out."""


def spent(by: str = "", window: str = "$__range") -> str:
    """Dollars from the ledger, in all or by structured metadata."""
    return f"sum{_by(by)} (sum_over_time({SPENT} [{window}]))"


def counted(selection: str, by: str = "", window: str = "$__range") -> str:
    """How many lines a selection has."""
    return f"sum{_by(by)} (count_over_time({selection} [{window}]))"


def summed(selection: str, field: str, by: str = "", window: str = "$__range") -> str:
    """Sum of a number in the lines."""
    return f'sum{_by(by)} (sum_over_time({selection} | json n="{field}" | unwrap n | __error__="" [{window}]))'


def mean(recorded: str, matchers: str, by: str = "", window: str = "") -> str:
    """A recorded rate over each step of a graph, or over `window`."""
    return f"sum{_by(by)} (avg_over_time({recorded}{{{matchers}}}[{window or step_of(recorded)}]))"


def step_of(recorded: str) -> str:
    """The window of a step of a graph: never shorter than the time between two samples of the recording.

    What is recorded every minute has a sample in each step of a minute. For the others it is `$__rate_interval`, which
    the target's `interval` keeps above their two or five minutes (see `targets.Prom`): a graph of an hour has a point
    every 90 s all the same, and the newest is of now.
    """
    return "$__rate_interval" if SPARSE.search(recorded) else "$__interval"


def quantile(share: float, recorded: str, matchers: str, by: str = "", window: str = "") -> str:
    """A percentile from recorded buckets; `>= 0` drops the NaN of a window without calls."""
    labels = f"le, {by}" if by else "le"
    rates = f"sum by ({labels}) (avg_over_time({recorded}{{{matchers}}}[{window or step_of(recorded)}]))"
    return f"histogram_quantile({share}, {rates}) >= 0"


def _by(labels: str) -> str:
    return f" by ({labels})" if labels else ""
