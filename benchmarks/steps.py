"""Where the worker's time goes: each step of the pipeline, and what taking a few spans together saves.

    python benchmarks/steps.py [--kind call|tool|decision|llm] [--spans 4000]

Calls recorded through our own API around nothing, into the stack (nobody listens: frames are encoded and spooled).
First span by span with a clock around each step, medians in µs; then whole, in turn, with so many spans at a time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import spans
import workload
from subjects import ours
from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.records.conversion import from_span
from syndarix_obs.records.intake import from_light

NOWHERE = "http://127.0.0.1:9"
TOGETHER = (1, 4, 8, 16)
LAPS = 4


def recorded(obs: ObservabilityPlatform, kind: str, count: int) -> tuple[Any, list[Any]]:
    """The pipeline of a platform, and ended spans that it has not seen."""
    runtime, found = obs._runtime, []
    runtime.source.sink = found.append
    around, prompt = ours.wrapper(obs), workload.prompt(2_000)
    actions = {**spans.our_actions(obs), "call": lambda: around(lambda: None, prompt)}
    for _ in range(count):
        actions[kind]()
    return runtime._build()._pipeline, found


def steps(pipeline: Any, ended: Sequence[Any]) -> dict[str, float]:
    """Median µs of each step, one span after the other."""
    taken: dict[str, list[int]] = defaultdict(list)

    def clocked(name: str, action: Callable[[], Any]) -> Any:
        start = time.thread_time_ns()
        result = action()
        taken[name].append(time.thread_time_ns() - start)
        return result

    for light in ended:
        span = clocked("from the light span", lambda light=light: from_light(light))
        for name, step in pipeline._steps:
            clocked(name, lambda step=step, span=span: step(span))
        records = clocked("records", lambda span=span: from_span(span, pipeline._resource))
        clocked("ledger", lambda span=span, made=records: pipeline._settled([(span, made)]))
        for one in (pipeline._measure, *pipeline.destinations):
            clocked(type(one).__name__, lambda one=one, s=span, r=records: one.consume(s, r))
    pipeline.tick()
    return {name: statistics.median(values) / 1000 for name, values in taken.items()}


def together(pipeline: Any, ended: Sequence[Any], size: int) -> float:
    """CPU µs of this thread for each span, so many at a time."""
    start = time.thread_time()
    for place in range(0, len(ended), size):
        pipeline.process([from_light(span) for span in ended[place : place + size]])
    taken = time.thread_time() - start
    pipeline.tick()
    return taken / len(ended) * 1e6


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--spans", type=int, default=4_000)
    parser.add_argument("--kind", choices=["call", "tool", "decision", "llm"], default="call")
    given = parser.parse_args()
    count = given.spans
    settings = Settings(
        backend="stack", home=Path(tempfile.mkdtemp(prefix="syndarix-bench-")), otlp_endpoint=NOWHERE,
        loki_url=NOWHERE, set_global=False,
    )  # fmt: skip
    pipeline, ended = recorded(ObservabilityPlatform(settings), given.kind, count)
    half = count // 2
    found = steps(pipeline, ended[:half])
    for name, micros in (*found.items(), ("all", sum(found.values()))):
        print(f"{name:22} {micros:6.1f} µs")
    share = half // (LAPS * len(TOGETHER))
    laps: dict[int, list[float]] = defaultdict(list)
    for lap in range(LAPS * len(TOGETHER)):
        part = ended[half + lap * share : half + (lap + 1) * share]
        laps[TOGETHER[lap % len(TOGETHER)]].append(together(pipeline, part, TOGETHER[lap % len(TOGETHER)]))
    for size, values in laps.items():
        print(f"{size:2} at a time           {statistics.median(values):6.1f} µs")
    os._exit(0)  # what waits in the spool is nobody's


if __name__ == "__main__":
    main()
