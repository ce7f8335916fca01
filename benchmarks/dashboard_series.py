"""The series that 30 days of many agents leave behind, as OpenMetrics text. Deterministic; written fast."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

_VALUES = tuple(f"{(number * 7919 % 1009 + 1) / 1009 * 0.5:.6g}" for number in range(1009))
"""Values in a scrambled order: real rates do not compress to nothing."""
LLM_BUCKETS = (*(str(value) for value in (0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0,
                                          20.0, 30.0, 60.0, 120.0)), "+Inf")  # fmt: skip
STEP_BUCKETS = (*LLM_BUCKETS[:14], "+Inf")
TOKEN_TYPES = ("input", "output", "cache_read", "cache_write", "reasoning")
MINUTE, TWO, FIVE, RAW = 60, 120, 300, 5


@dataclass(frozen=True, slots=True)
class Series:
    """One series: name with labels, seconds between samples, where it starts in the values; `grows` for counters."""

    name: str
    step_s: int
    phase: int
    grows: bool = False

    def write(self, text: TextIO, from_s: int, until_s: int) -> int:
        """Samples from `from_s` (included) to `until_s` (excluded); returns how many."""
        times = range(from_s, until_s, self.step_s)
        head = self.name + " "
        if self.grows:
            text.writelines([f"{head}{at // 40} {at}\n" for at in times])
        else:
            first, many, values = self.phase + from_s // self.step_s, len(_VALUES), _VALUES
            text.writelines([f"{head}{values[(first + place) % many]} {at}\n" for place, at in enumerate(times)])
        return len(times)


def series(agents: int, models: int) -> Iterator[Series]:
    """Every recorded and raw series that the boards read, family by family."""
    for phase, (name, step_s, labels, grows) in enumerate(_families(agents, models)):
        yield from (Series(f"{name}{{{each}}}", step_s, phase * 31 + place * 17, grows)
                    for place, each in enumerate(labels))  # fmt: skip


def _families(agents: int, models: int) -> Iterator[tuple[str, int, list[str], bool]]:
    every = [f"a{number}" for number in range(agents)]
    model = [f"m{number}" for number in range(models)]
    pairs = [(one, other) for one in every for other in model]
    here = 'environment="production"'
    llm = [f'{here},agent="{one}",project="p{int(one[1:]) % 5}",model="{other}"' for one, other in pairs]
    plain = [f'agent="{one}",model="{other}"' for one, other in pairs]
    by_model = [f'{here},model="{each}",le="{le}"' for each in model for le in LLM_BUCKETS]
    payers = [f'{here},agent="{each}",project="p{int(each[1:]) % 5}"' for each in every]
    waits = [f'{here},model="{each}"' for each in model]
    for name in ("llm_requests", "llm_errors"):
        yield f"environment_agent_project:{name}:rate1m", MINUTE, payers, False
        yield f"environment_model:{name}:rate1m", MINUTE, waits, False
    yield "environment_agent_project_model:llm_cost_dollars:rate5m", FIVE, llm, False
    yield "environment_agent_project_model:llm_tokens:increase5m", FIVE, llm, False
    yield "agent_model:llm_latency_seconds:p95_every5m", FIVE, plain, False
    for name in ("p95_avg1d_every5m", "p95_stddev1d_every5m"):
        yield f"agent_model:llm_latency_seconds:{name}", FIVE, plain, False
    tokens = [f'{labels},type="{kind}"' for labels in waits for kind in TOKEN_TYPES]
    yield "environment_model_type:llm_tokens:increase5m", FIVE, tokens, False
    by_agent = [f'{here},agent="{each}",le="{le}"' for each in every for le in LLM_BUCKETS]
    yield "environment_agent_le:llm_latency_seconds_bucket:rate5m", FIVE, by_agent, False
    for name in ("llm_latency_seconds", "llm_time_to_first_token_seconds"):
        yield f"environment_model_le:{name}_bucket:rate5m", FIVE, by_model, False
    yield "environment_model_le:embedding_seconds_bucket:rate1m", MINUTE, by_model[: len(STEP_BUCKETS)], False
    yield "environment_model:llm_latency_seconds_sum:rate5m", FIVE, waits, False
    yield from _tools_and_agents(every, here)
    yield from _raw(every, model, here)


def _tools_and_agents(every: list[str], here: str) -> Iterator[tuple[str, int, list[str], bool]]:
    agent = [f'{here},agent="{each}"' for each in every]
    tools = [f"t{number}" for number in range(10)]
    calls = [f'{labels},tool="t{(place + number) % 10}",status="{status}"' for place, labels in enumerate(agent)
             for number in range(5) for status in ("ok", "error")]  # fmt: skip
    yield "environment_agent_tool_status:tool_invocations:rate5m", FIVE, calls, False
    waits = [f'{here},tool="{each}",le="{le}"' for each in tools for le in STEP_BUCKETS]
    yield "environment_tool_le:tool_latency_seconds_bucket:rate1m", MINUTE, waits, False
    ended = [f'{labels},type="assistant",status="{each}"' for labels in agent for each in ("ok", "error")]
    yield "environment_agent_type_status:agent_sessions:rate1m", MINUTE, ended, False
    chosen = [f'{labels},type="tool_selection",selected="{each}"' for labels in agent for each in tools[:5]]
    yield "environment_agent_type_selected:agent_decisions:rate5m", FIVE, chosen, False
    tasks = [f'{here},task_type="k{number}",le="{le}"' for number in range(8) for le in STEP_BUCKETS]
    yield "environment_task_type_le:agent_task_duration_seconds_bucket:rate2m", TWO, tasks, False
    parts = [f'{labels},section="{each}"' for labels in agent for each in ("system", "memory", "history", "tools")]
    yield "environment_agent_section:context_tokens_used:max5m", FIVE, parts, False
    yield "environment_agent:context_window_used:max", MINUTE, agent, False
    yield "agent:llm_cost_dollars:times_normal", MINUTE, [f'agent="{each}"' for each in every], False
    verbs = ("search", "upsert", "delete")
    memory = [f'{here},operation="{verb}",store="s{number}",status="{status}"' for verb in verbs
              for number in range(3) for status in ("ok", "error")]  # fmt: skip
    yield "environment_operation_store_status:memory_operations:rate1m", MINUTE, memory, False
    seconds = [f'{here},operation="{verb}",le="{le}"' for verb in verbs for le in STEP_BUCKETS]
    yield "environment_operation_le:memory_operation_seconds_bucket:rate1m", MINUTE, seconds, False
    assembly = [f'{here},le="{le}"' for le in STEP_BUCKETS]
    yield "environment_le:context_assembly_seconds_bucket:rate1m", MINUTE, assembly, False


def _raw(every: list[str], model: list[str], here: str) -> Iterator[tuple[str, int, list[str], bool]]:
    """What the boards read without a recording: few series, at the scrape interval."""
    agent = [f'{here},agent="{each}"' for each in every]
    limits = [f'{here},provider="x",model="{each}",limit="{kind}"' for each in model for kind in ("requests", "tokens")]
    yield "llm_rate_limit_remaining_ratio", RAW, limits, False
    yield "agent_last_progress_timestamp_seconds", FIVE, agent, True
    yield "agent_sessions_active", FIVE, [f'{labels},type="assistant"' for labels in agent], False
    yield "agent_loops_detected_total", RAW, [f'{labels},tool="t1"' for labels in agent[:10]], True
    yield "llm_unpriced_requests_total", RAW, [f'{here},provider="x",model="{each}"' for each in model[:2]], True
    checks = [f'{here},check="c{number}",result="{each}"' for number in range(3) for each in ("pass", "fail")]
    yield "safety_checks_total", RAW, checks, True
    reasons = [f'{here},instance="i{number}",reason="queue_full"' for number in range(5)]
    yield "syndarix_obs_records_dropped_total", RAW, reasons, True
    sent = [f'{here},instance="i{number}",destination="{each}"' for number in range(5) for each in ("loki", "tempo")]
    yield "syndarix_obs_export_failures_total", RAW, sent, True
    yield "up", RAW, [f'job="agents",instance="i{number}"' for number in range(5)], False
    projects = [f'project="p{number}"' for number in range(5)]
    for name in ("project:budget_daily:dollars", "project:budget_monthly:dollars", "project:budget_daily:used_ratio",
                 "project:budget_monthly:used_ratio"):  # fmt: skip
        yield name, FIVE, projects, False
    yield "threshold:latency_baseline:sigmas", MINUTE, ['x="y"'], False
    yield "agent_version:agent_version:new", FIVE, ['agent="a0",version="v1"'], False
    yield "ALERTS", MINUTE, ['alertname="HighLatency",alertstate="firing",severity="critical",agent="a0"'], False
