"""LLM performance: which model is slow, fails or runs into its limits, and since when?"""

from __future__ import annotations

from boards import selectors as s
from boards import theme
from boards.board import Board, Section
from boards.panels import coloured, graph, heatmap, override, stat
from boards.tables import Column, board_link, table
from boards.targets import Loki, Prom, PromNow, exemplars

REQUESTS = "environment_model:llm_requests:rate1m"
ERRORS = "environment_model:llm_errors:rate1m"
TOKENS = "environment_model_type:llm_tokens:increase5m"
LATENCY = "environment_model_le:llm_latency_seconds_bucket:rate5m"
FIRST_CHUNK = "environment_model_le:llm_time_to_first_token_seconds_bucket:rate5m"
EMBEDDING = "environment_model_le:embedding_seconds_bucket:rate1m"
WAITED = "environment_model:llm_latency_seconds_sum:rate5m"
P95 = "agent_model:llm_latency_seconds:p95_every5m"
NORMAL = "agent_model:llm_latency_seconds:p95_avg1d_every5m"
SPREAD = "agent_model:llm_latency_seconds:p95_stddev1d_every5m"

_FAILED = s.lines("llm_call", 'level="error"', model=True)


def _tokens(kind: str) -> str:
    return f'sum (sum_over_time({TOKENS}{{{s.MODEL},type="{kind}"}}[$__range]))'


def _share_of(kind: str) -> str:
    return s.mean(TOKENS, f'{s.MODEL},type="{kind}"', "model")


def _range_mean(recorded: str, matchers: str, by: str = "") -> str:
    return s.mean(recorded, matchers, by, "$__range")


def _range_quantile(share: float, recorded: str, by: str = "") -> str:
    return s.quantile(share, recorded, s.MODEL, by, "$__range")


_OUTPUT = s.mean(TOKENS, f'{s.MODEL},type="output"', "model")
_WAITED = s.mean(WAITED, s.MODEL, "model")
_DISTANCE = (
    f"({P95}{{{s.AGENT_MODEL}}} - on (agent, model) {NORMAL})"
    f" / on (agent, model) clamp_min({SPREAD}, 0.001)"
)  # fmt: skip
_AN_HOUR = f"and on (agent, model) {NORMAL} offset 1h"
"""Before that the band is a guess from a few points, and everything lies outside of it."""
_OUTSIDE = f"({_DISTANCE}) {_AN_HOUR} > on () group_left () threshold:latency_baseline:sigmas"
_OF_ONE = (
    f"and on (agent, model) topk(1, abs((last_over_time({P95}{{{s.AGENT_MODEL}}}[1h] @ end())"
    f" - on (agent, model) last_over_time({NORMAL}[1h] @ end()))"
    f" / on (agent, model) clamp_min(last_over_time({SPREAD}[1h] @ end()), 0.001)))"
)
"""Only the agent and model that were furthest from their normal at the end: bands of several cannot be drawn as one."""
_SIGMA = f"{SPREAD} * on () group_left () threshold:latency_baseline:sigmas"


SUMMARY = [
    stat(title="Calls", unit="reqpm",
         description="Model calls per minute over the time range. Zero means that nobody called, or that the agents "
         "are not scraped. Follows environment and model.",
         targets=[PromNow(expr=f"{_range_mean(REQUESTS, s.MODEL)} * 60")]),
    stat(title="Failed", unit="percentunit", limits=theme.rising(theme.ERROR_RATIO), defaults={"decimals": 1},
         description="Share of the calls that failed. Above 5% an alert fires; the error classes below say what "
         "failed. Follows environment and model.",
         targets=[PromNow(expr=f"{_range_mean(ERRORS, s.MODEL)} / ({_range_mean(REQUESTS, s.MODEL)} > 0)")]),
    stat(title="P95 latency", unit="s", limits=theme.rising(theme.LATENCY_S),
         description="95% of the calls were quicker than this. From 30 s on an alert fires. Follows environment and "
         "model.",
         targets=[PromNow(expr=_range_quantile(0.95, LATENCY))]),
    stat(title="P95 first token", unit="s", limits=theme.rising(theme.FIRST_TOKEN_S),
         nothing="No streamed calls",
         description="How long people wait to see something, for streamed answers. From 5 s on an alert fires. "
         "Follows environment and model.",
         targets=[PromNow(expr=_range_quantile(0.95, FIRST_CHUNK))]),
    stat(title="Cache hits", unit="percentunit",
         description="Share of the input tokens that the provider served from its prompt cache. When it falls, "
         "something changes at the beginning of the prompts: see the panel below. Follows environment and model.",
         targets=[PromNow(expr=f"{_tokens('cache_read')} / ({_tokens('input')} > 0)")]),
    stat(title="Embeddings", unit="s", nothing="No embeddings",
         description="95% of the embeddings calls were quicker than this. They have their own histogram. Slow ones "
         "delay every retrieval.",
         targets=[PromNow(expr=_range_quantile(0.95, EMBEDDING))]),
]  # fmt: skip

HEATMAPS = [
    heatmap(
        title="Latency", unit="s", interval="1m", cells="reqps",
        description="How many calls took how long; the stronger the colour, the more. Two bands are two kinds of "
        "calls; a band that climbs is a model that slows down. Follows environment and model.",
        targets=[
            Prom(expr=s.mean(LATENCY, s.MODEL, "le"), legend="{{le}}", buckets=True),
            exemplars("llm_latency_seconds", s.MODEL, "B"),
        ],
    ),
    heatmap(
        title="Time to first token", unit="s", interval="1m", cells="reqps", nothing="No streamed calls",
        description="The same for the first token of streamed answers. A rise with steady latency means shorter "
        "answers after a longer wait: usually a queue at the provider.",
        targets=[Prom(expr=s.mean(FIRST_CHUNK, s.MODEL, "le"), legend="{{le}}", buckets=True)],
    ),
]  # fmt: skip

BY_MODEL = [
    table(
        title="Models side by side", w=24, h=8, join="model", sort="Calls per minute",
        description="Every model over the whole time range. Compare a slow one with its neighbours: if all are slow, "
        "look at the network or the agent, if one is, at its provider. Percentiles follow environment and model.",
        targets=[
            PromNow(expr=f"{_range_mean(REQUESTS, s.MODEL, 'model')} * 60", ref="A", table=True),
            PromNow(expr=f"{_range_mean(ERRORS, s.MODEL, 'model')} / ({_range_mean(REQUESTS, s.MODEL, 'model')} > 0)",
                    ref="B", table=True),
            PromNow(expr=_range_quantile(0.5, LATENCY, "model"), ref="C", table=True),
            PromNow(expr=_range_quantile(0.95, LATENCY, "model"), ref="D", table=True),
            PromNow(expr=_range_quantile(0.99, LATENCY, "model"), ref="E", table=True),
            PromNow(expr=_range_quantile(0.95, FIRST_CHUNK, "model"), ref="F", table=True),
        ],
        columns=[
            Column(
                "model", "Model", width=200,
                links=(board_link("Only this model", "llm-performance", model="${__value.raw}"),),
            ),
            Column("Value #A", "Calls per minute", unit="reqpm", bar=True),
            Column("Value #B", "Failed", unit="percentunit", limits=theme.rising(theme.ERROR_RATIO)),
            Column("Value #C", "P50", unit="s"),
            Column("Value #D", "P95", unit="s", limits=theme.rising(theme.LATENCY_S)),
            Column("Value #E", "P99", unit="s"),
            Column("Value #F", "First token P95", unit="s", limits=theme.rising(theme.FIRST_TOKEN_S)),
        ],
    ),
    graph(
        title="P95 latency by model", unit="s", interval="1m", limits=theme.rising(theme.LATENCY_S),
        description="A line per model; the upper dashed line is where an alert fires. Follows environment and model. "
        "One line that rises alone is that model's provider.",
        targets=[
            Prom(expr=s.quantile(0.95, LATENCY, s.MODEL, "model"), legend="{{model}}"),
            exemplars("llm_latency_seconds", s.MODEL, "B"),
        ],
    ),
    graph(
        title="P95 time to first token by model", unit="s", interval="1m", limits=theme.rising(theme.FIRST_TOKEN_S),
        nothing="No streamed calls",
        description="A line per model, for streamed answers; the upper dashed line is where an alert fires.",
        targets=[
            Prom(expr=s.quantile(0.95, FIRST_CHUNK, s.MODEL, "model"), legend="{{model}}"),
            exemplars("llm_time_to_first_token_seconds", s.MODEL, "B"),
        ],
    ),
    graph(
        title="Output tokens per second", unit="short", interval="1m",
        description="Speed of generation: output tokens divided by the seconds spent waiting for them, by model. It "
        "falls when the provider is busy, and when answers get short. A trend from counters.",
        targets=[Prom(expr=f"{_OUTPUT} / 300 / ({_WAITED} > 0)", legend="{{model}}")],
    ),
    graph(
        title="Cache hit share", unit="percentunit", interval="1m", defaults={"max": 1},
        description="Input tokens that came from the provider's prompt cache, by model. Cached tokens cost a tenth to "
        "a half: when the share falls, find what changes at the beginning of the prompt.",
        targets=[Prom(
            expr=f"{_share_of('cache_read')} / ({_share_of('input')} > 0)", legend="{{model}}",
        )],
    ),
]  # fmt: skip

LIMITS = [
    graph(
        title="Error classes", stacked=True, bars=True, interval="1m", nothing=theme.NONE_FOUND,
        description="Failed calls by class of error, from the log: exact. Rate limits call for fewer or smaller "
        "calls, timeouts for patience or another model, authentication errors for a look at the key.",
        targets=[Loki(
            expr=s.counted(f'{_FAILED} | json error_type="error_type"{s.ERROR}', "error_type", "$__interval"),
            legend="{{error_type}}",
        )],
    ),
    graph(
        title="Rate limit left", unit="percentunit", defaults={"min": 0, "max": 1},
        limits=theme.falling(theme.RATE_LIMIT_LEFT), nothing="No provider has named a limit",
        description="The smallest share of each of the provider's limits that was left, over its models, as it says "
        "in its answers. Below 10% an alert fires: spread the load, or ask for more.",
        targets=[Prom(
            expr=f"min by (provider, limit) "
                 f"(min_over_time(llm_rate_limit_remaining_ratio{{{s.MODEL}}}[$__interval]))",
            legend="{{provider}} {{limit}}",
        )], interval="30s",
    ),
]  # fmt: skip

BASELINE = [
    graph(
        title="P95 latency and its learned band", unit="s", interval="5m", w=14, timeFrom="24h",
        overrides=[
            *coloured({"Upper": "text", "Lower": "text"}),
            override("Upper", custom__fillBelowTo="Lower", custom__lineWidth=0),
            override("Lower", custom__lineWidth=0),
        ],
        description="The last 24 hours, whatever the range above: P95 of 5 minutes against the day's mean, plus and "
        "minus three standard deviations, learned by recording rules: of the agent and model, among those chosen, that "
        "is furthest from its normal now. Outside the band something changed: a new prompt, a new model version, a "
        "busy provider. Needs an hour of data.",
        targets=[
            Prom(expr=f"{P95}{{{s.AGENT_MODEL}}} {_OF_ONE}", legend="{{agent}} · {{model}}", ref="A"),
            Prom(expr=f"({NORMAL} + on (agent, model) ({_SIGMA})) {_OF_ONE}", legend="Upper", ref="B"),
            Prom(expr=f"clamp_min({NORMAL} - on (agent, model) ({_SIGMA}), 0) {_OF_ONE}", legend="Lower", ref="C"),
        ],
    ),
    table(
        title="Outside its band now", w=10, sort="Standard deviations", nothing=theme.NONE_FOUND,
        description="Agents and models whose P95 is more than three standard deviations above their day's mean, once "
        "an hour is known. An alert fires when it is also half as slow again as the mean.",
        targets=[PromNow(expr=_OUTSIDE, table=True)],
        columns=[
            Column("agent", "Agent"), Column("model", "Model"),
            Column("Value", "Standard deviations", unit="short", bar=True, decimals=1, width=180),
        ],
    ),
]  # fmt: skip

BOARD = Board(
    title="LLM performance",
    description="Which model is slow, fails or runs into its limits, and since when?",
    sections=[
        Section("", SUMMARY),
        Section("Distribution", HEATMAPS),
        Section("Models", BY_MODEL),
        Section("Errors and limits", LIMITS),
        Section("Against what is normal", BASELINE),
    ],
)
