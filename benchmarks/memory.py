"""Memory over many calls, and how many records a second go through the whole pipeline.

    python benchmarks/memory.py [--calls 100000] [--burst 20000]

`growth`: real `openai` calls (provider inside the process), every prompt different, in one process per backend;
resident memory after each tenth. `throughput`: calls recorded around nothing until all are stored or sent; one call
leaves an LLM record and a cost record, and a span for Tempo.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import results
import workload
from local_sink import LocalSink

WARM_UP = 2_000
TENTHS = 10
DRAIN_S = 300.0


def platform(backend: str, url: str, home: str) -> Any:
    """A platform with everything on."""
    from syndarix_obs import ObservabilityPlatform, Settings

    return ObservabilityPlatform(Settings(backend=backend, home=Path(home), otlp_endpoint=url, loki_url=url))


def dropped(obs: Any) -> float:
    """Records and payloads that were given up."""
    samples = [sample for metric in obs.registry.collect() for sample in metric.samples]
    return float(sum(s.value for s in samples if s.name == "syndarix_obs_records_dropped_total"))


def growth(backend: str, url: str, calls: int) -> dict[str, Any]:
    """Resident MB after each tenth of the calls; `growth_mb` is the last less the first, `peak_mb` over the start."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        obs = platform(backend, url, home)
        obs.auto_instrument()
        chat, text = workload.client().chat.completions, workload.prompt(2_000)

        def call(number: int) -> None:
            chat.create(model="gpt-4o-mini", messages=[{"role": "user", "content": f"{number} {text}"}])

        for number in range(WARM_UP):
            call(number)
        obs.flush(DRAIN_S)
        gc.collect()
        memory = [results.resident_mb()]
        for tenth in range(TENTHS):
            for number in range(calls // TENTHS):
                call(tenth * calls + number)
            memory.append(results.resident_mb())
        obs.flush(DRAIN_S)
        found = {"calls": calls, "memory_mb": memory, "growth_mb": memory[-1] - memory[1],
                 "peak_mb": max(memory) - memory[0], "dropped": dropped(obs)}  # fmt: skip
        obs.shutdown()
    return found


def throughput(backend: str, url: str, calls: int) -> dict[str, float]:
    """Calls and records a second from the first call until everything is stored or sent."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        obs = platform(backend, url, home)
        messages = [{"role": "user", "content": workload.prompt(2_000)}]

        def record(count: int) -> None:
            for _ in range(count):
                with obs.llm(provider="openai", model="gpt-4o-mini", messages=messages) as call:
                    call.response("fine", usage={"input_tokens": 400, "output_tokens": 80})

        record(WARM_UP)
        obs.flush(DRAIN_S)
        start = time.perf_counter()
        record(calls)
        recorded = time.perf_counter() - start
        obs.flush(DRAIN_S)
        taken = time.perf_counter() - start
        found = {"calls_per_s": calls / taken, "records_per_s": 2 * calls / taken,
                 "accepted_per_s": calls / recorded, "dropped": dropped(obs)}  # fmt: skip
        obs.shutdown()
    return found


PARTS = {"growth": growth, "throughput": throughput}


def main() -> None:
    """See the module's text."""
    if "--child" in sys.argv:
        part, backend, url, calls = sys.argv[2:]
        print(json.dumps(PARTS[part](backend, url, int(calls))))
        return
    options = results.parser(__doc__)
    options.add_argument("--calls", type=int, default=100_000)
    options.add_argument("--burst", type=int, default=20_000)
    chosen = options.parse_args()
    found: dict[str, dict[str, Any]] = {}
    for part, calls in (("growth", chosen.calls), ("throughput", chosen.burst)):
        found[part] = {}
        for backend in ("embedded", "stack"):
            with LocalSink() as sink:
                found[part][backend] = results.in_child(__file__, part, backend, sink.url, str(calls))
            print(part, backend, json.dumps(found[part][backend]), flush=True)
    results.save(chosen.json, found)


if __name__ == "__main__":
    main()
