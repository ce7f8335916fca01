"""A burst of calls, with the destination up, down and hanging: who delivers, what callers feel, how the process ends.

    python benchmarks/burst.py [--calls 20000] [--rounds 15]

`burst` records calls back to back around nothing, which no program can do faster, and the process ends; the sink counts
distinct records. `outage` makes real `openai` calls (provider inside the process) while the sink is up, down or
hanging, tells memory growth and seconds to exit, lets the sink come back and a next process drain what waited on disk,
and counts. `felt` is what those calls take in each state, in turn in one process. Prompts have 2 KB, all different.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import results
import workload
from local_sink import LocalSink

HERE = Path(__file__).resolve()
KINDS = ("span", "llm_call", "cost")
STATES = ("up", "down", "hang")
DRAIN_S = 120.0
WARM_UP = 200

Record = Callable[[int], None]


# --- in the child ---


def ours(url: str, home: str, call: Callable[[str], Any]) -> tuple[Record, Callable[[], Any]]:
    """Our API around the call, everything to the sink; and a flush."""
    from syndarix_obs import ObservabilityPlatform, Settings

    obs = ObservabilityPlatform(Settings(backend="stack", home=Path(home), otlp_endpoint=url, loki_url=url))
    text = workload.prompt(2_000)

    def record(number: int) -> None:
        prompt = f"{number} {text}"
        messages = [{"role": "user", "content": prompt}]
        with obs.llm(provider="openai", model="gpt-4o-mini", messages=messages) as recorded:
            call(prompt)
            recorded.response(
                [{"role": "assistant", "content": text[:400]}],
                usage={"input_tokens": 400, "output_tokens": 80},
                finish_reason="stop",
                model="gpt-4o-mini-2024-07-18",
                response_id=f"n{number}",
            )

    return record, lambda: obs.flush(DRAIN_S)


def bare_span(url: str, _home: str, call: Callable[[str], Any]) -> tuple[Record, Callable[[], Any]]:
    """A bare OpenTelemetry span around the call, its batcher as it comes."""
    from subjects import bare

    made = bare.provider(url)
    around = bare.wrapper(made.get_tracer("bench"), content=False)
    text = workload.prompt(2_000)
    return lambda number: around(lambda: call(f"{number} {text}"), ""), made.force_flush


def nothing(_url: str, _home: str, call: Callable[[str], Any]) -> tuple[Record, Callable[[], Any]]:
    """The call alone."""
    text = workload.prompt(2_000)
    return lambda number: call(f"{number} {text}"), lambda: None


SUBJECTS = {"ours": ours, "bare": bare_span, "nothing": nothing}


def provider_call(client: str) -> Callable[[str], Any]:
    """What is recorded: a call of the real client, or nothing at all."""
    if client == "none":
        return lambda _prompt: None
    chat = workload.client().chat.completions
    return lambda prompt: chat.create(model="gpt-4o-mini", messages=[{"role": "user", "content": prompt}])


def child(subject: str, url: str, home: str, calls: int, client: str) -> None:
    """Record so many calls, say what it took, and leave as programs do: without a flush of one's own."""
    record, flush = SUBJECTS[subject](url, home, provider_call(client))
    for number in range(WARM_UP if calls else 1):
        record(-1 - number)
    flush()
    gc.collect()
    memory = [results.resident_mb()]
    taken, cpu = [], time.thread_time()
    for number in range(calls):
        start = time.perf_counter_ns()
        record(number)
        taken.append(time.perf_counter_ns() - start)
        if number % 500 == 499:
            memory.append(results.resident_mb())
    cpu = time.thread_time() - cpu
    per_call = {"caller_us": cpu / calls * 1e6, "wall_us": sum(taken) / calls / 1e3} if calls else {}
    print(json.dumps({**per_call, "memory_mb": max(memory) - memory[0]}), flush=True)


# --- in the parent ---


def run(subject: str, url: str, home: str, calls: int, client: str) -> dict[str, float]:
    """One child; what it said, and the seconds from then to its end."""
    command = [sys.executable, str(HERE), "--child", subject, url, home, str(calls), client]
    quiet = {**os.environ, "OTEL_LOG_LEVEL": "CRITICAL"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=quiet) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        said = time.monotonic()
        process.wait(300)
    found: dict[str, float] = json.loads(line)
    return {**found, "exit_s": time.monotonic() - said}


def arrived(sink: LocalSink, sent: int) -> dict[str, float]:
    """Per kind of record: the share of what was sent that arrived, and how many records came more than once."""
    kept = sink.kept()
    found: dict[str, float] = {}
    for kind in KINDS:
        counts = kept.get(kind, {})
        found[f"{kind}_share"] = len(counts) / sent
        found[f"{kind}_twice"] = sum(count > 1 for count in counts.values())
    return found


def burst(calls: int) -> dict[str, dict[str, float]]:
    """Share of a burst that arrives when the process simply ends, by subject."""
    found = {}
    for subject in ("ours", "bare"):
        with LocalSink("keep") as sink, tempfile.TemporaryDirectory() as home:
            took = run(subject, sink.url, home, calls, "none")
            found[subject] = {**took, **arrived(sink, calls + WARM_UP)}
            if subject == "ours":
                drained = drain(sink, home)
                later = arrived(sink, calls + WARM_UP + drained)
                found[subject] |= {f"after_{key}": value for key, value in later.items()}
    return found


def drain(sink: LocalSink, home: str) -> int:
    """What next processes do with what waits in the spool: each records one call and sends everything. How many."""
    deadline = time.monotonic() + DRAIN_S
    count = 0
    while not count or (any(Path(home, "spool").rglob("*.seg1")) and time.monotonic() < deadline):
        run("ours", sink.url, home, 0, "none")
        count += 1
    return count


def outage(calls: int) -> dict[str, dict[str, float]]:
    """By state of the sink: memory, seconds to exit, and what has arrived once the sink is back."""
    found = {}
    for state in STATES:
        with LocalSink("keep" if state == "up" else state) as sink, tempfile.TemporaryDirectory() as home:
            took = run("ours", sink.url, home, calls, "openai")
            if state != "up":
                sink.become("keep")
            drained = drain(sink, home)
            found[state] = {**took, **arrived(sink, calls + WARM_UP + drained)}
    return found


def felt(rounds: int, calls: int) -> dict[str, dict[str, float]]:
    """What a caller of the real client feels, in each state of the sink and without recording, in turn in one process.

    Chunks of calls alternate, so that a slow moment of the machine hits every state; each chunk starts with nothing
    waiting. Medians over the chunks, in microseconds; `added` is what the recording adds.
    """
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    call = provider_call("openai")
    with LocalSink() as sink, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        plain, _ = nothing("", "", call)
        record, flush = ours(sink.url, home, call)
        for number in range(rounds + 1):
            for state in ("none", *STATES):
                sink.become("" if state in {"none", "up"} else state)
                for key, value in chunk(plain if state == "none" else record, calls).items():
                    if number:  # the first round warms up
                        values[state][key].append(value)
                sink.become("")
                flush()
    found = {state: {key: results.median(v) for key, v in keys.items()} for state, keys in values.items()}
    for state in STATES:
        found[state] |= {f"added_{key}": value - found["none"][key] for key, value in list(found[state].items())}
    return found


def chunk(record: Record, calls: int) -> dict[str, float]:
    """Microseconds per call: CPU of this thread, and wall time in the middle, on average and at the 99th percentile."""
    gc.collect()
    taken, cpu = [], time.thread_time()
    for number in range(calls):
        start = time.perf_counter_ns()
        record(number)
        taken.append((time.perf_counter_ns() - start) / 1e3)
    cpu = time.thread_time() - cpu
    return {
        "caller_us": cpu / calls * 1e6,
        "mean_us": sum(taken) / calls,
        "p50_us": results.median(taken),
        "p99_us": results.percentile(taken, 0.99),
    }


def main() -> None:
    """See the module's text."""
    if "--child" in sys.argv:
        subject, url, home, calls, client = sys.argv[2:]
        child(subject, url, home, int(calls), client)
        return
    options = results.parser(__doc__)
    options.add_argument("--calls", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=15)
    chosen = options.parse_args()
    found: dict[str, Any] = {"calls": chosen.calls}
    parts: dict[str, Callable[[], Any]] = {
        "burst": lambda: burst(chosen.calls),
        "outage": lambda: outage(chosen.calls),
        "felt": lambda: felt(chosen.rounds, 400),
    }
    for name, part in parts.items():
        found[name] = part()
        print(name, json.dumps(found[name], indent=1), flush=True)
    results.save(chosen.json, found)


if __name__ == "__main__":
    main()
