"""Questions to the embedded store in milliseconds: 20,000 traces with 200,000 log lines, and a million spans.

Run: `python benchmarks/read_embedded.py [--small 20000] [--large 25000] [--times 7] [--json FILE]`, sizes in traces. It
works in a temporary folder and needs nothing else. A trace of the small store has 8 steps and 8 more log lines, one of
the large store 40 steps; both stores cover 30 days and are indexed to the end.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import results
from mcp_budget import texts, trace
from syndarix_obs.records.model import LogRecord, Record
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.answers import agents, costs, decisions, errors, explain, logs, sessions, traces
from syndarix_obs_read.answers import trace as one_trace
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.timerange import TimeRange

MONTH_NS = 30 * 86_400 * 10**9
BATCH = 4_000
NEEDLE = "the-needle-in-the-hay"
Question = Callable[[], Awaitable[Any]]


def records(count: int, steps: int, lines: int, ids: list[str]) -> Iterator[Record]:
    """Traces over the last 30 days, each with some lines of the application's log more; their ids go into `ids`."""
    chance, small = random.Random(1), texts(200)
    start = time.time_ns() - MONTH_NS
    for number in range(count):
        trace_id, at = f"{chance.getrandbits(128):032x}", start + number * MONTH_NS // count
        ids.append(trace_id)
        yield from trace(trace_id, f"s-{number}", at, steps, small, chance)
        for i in range(lines):
            said = f"{small[i % len(small)][:120]} {NEEDLE if number == count // 2 and not i else ''}"
            yield LogRecord(
                record_id=f"{trace_id}:log{i}", trace_id=trace_id, span_id="0", name="app", start_ns=at + i,
                end_ns=at + i, logger="desk", agent="desk", service="desk", payload=json.dumps({"message": said}),
            )  # fmt: skip


def fill(home: Path, count: int, steps: int, lines: int) -> tuple[list[str], int]:
    """Write a store; the ids of its traces, and its number of records."""
    ids: list[str] = []
    batch: list[Record] = []
    total = 0
    writer = StoreWriter(store_path(home))
    for record in records(count, steps, lines, ids):
        batch.append(record)
        if len(batch) >= BATCH:
            total += writer.write(batch)
            batch = []
    total += writer.write(batch)
    while not writer.index(30.0):
        pass
    writer.close()
    return ids, total


def questions(backend: EmbeddedBackend, ids: list[str]) -> dict[str, Question]:
    """What is asked, by name. A trace is another one each time, spread over the store."""
    until = time.time_ns()
    month = TimeRange(until - MONTH_NS, until, "30d")
    chosen = iter(random.Random(2).choices(ids, k=10_000))
    dear, by = Filter(min_cost_usd=Decimal("0.02")), ("agent", "project", "model", "day")
    return {
        "trace by id": lambda: one_trace.get_trace(backend, next(chosen), payloads=True),
        "explain a trace": lambda: explain.explain_trace(backend, next(chosen)),
        "log search, a word": lambda: logs.search_logs(backend, Filter(text="refund"), month, 100),
        "log search, a rare word": lambda: logs.search_logs(backend, Filter(text=NEEDLE.upper()), month, 100),
        "log search, no such text": lambda: logs.search_logs(backend, Filter(text="nowhere to be"), month, 100),
        "log search, errors": lambda: logs.search_logs(backend, Filter(level="error"), month, 100),
        "cost of 30 days by agent": lambda: costs.summarise_costs(backend, Filter(), month, ("agent",)),
        "cost of 30 days by four": lambda: costs.summarise_costs(backend, Filter(), month, by),
        "cost of 30 days by user": lambda: costs.summarise_costs(backend, Filter(), month, ("user",)),
        "traces, the last": lambda: traces.search_traces(backend, Filter(), month, 20),
        "traces, agent and tool": lambda: traces.search_traces(
            backend, Filter(agent="agent-3", tool="search"), month, 20
        ),
        "traces, failed": lambda: traces.search_traces(backend, Filter(status="error"), month, 20),
        "traces, dear": lambda: traces.search_traces(backend, dear, month, 20),
        "sessions": lambda: sessions.list_sessions(backend, Filter(), month, 100, stalled_after_s=900),
        "agents": lambda: agents.get_agents(backend, Filter(), month),
        "errors": lambda: errors.group_errors(backend, Filter(), month, 50),
        "decisions": lambda: decisions.list_decisions(backend, Filter(), month, 100),
        "decision patterns": lambda: decisions.decision_patterns(backend, Filter(), month, 50),
    }


async def ask(home: Path, ids: list[str], times: int) -> dict[str, dict[str, float]]:
    """Median and 95th percentile in milliseconds, and CPU; traces by id are asked 20 times as often."""
    backend = EmbeddedBackend(store_path(home), timeout_s=600)
    figures = {}
    for name, question in questions(backend, ids).items():
        walls, cpus = [], []
        for _ in range(times * 20 if name in {"trace by id", "explain a trace"} else times):
            cpu, wall = time.process_time(), time.perf_counter()
            await question()
            walls.append((time.perf_counter() - wall) * 1000)
            cpus.append((time.process_time() - cpu) * 1000)
        p95 = results.percentile(walls, 0.95)
        figures[name] = {"median_ms": results.median(walls), "p95_ms": p95, "cpu_ms": results.median(cpus)}
        print(f"  {name:28} median {results.median(walls):9.1f} ms  p95 {p95:9.1f} ms  CPU {results.median(cpus):9.1f}")
    await backend.close()
    return figures


def main() -> None:
    """Fill both stores, ask everything of both."""
    options = results.parser(__doc__)
    options.add_argument("--small", type=int, default=20_000)
    options.add_argument("--large", type=int, default=25_000)
    options.add_argument("--times", type=int, default=7)
    chosen = options.parse_args()
    found = {}
    for count, steps, lines in ((chosen.small, 8, 8), (chosen.large, 40, 0)):
        with tempfile.TemporaryDirectory() as name:
            ids, total = fill(Path(name), count, steps, lines)
            said = f"{count:,} traces, {count * (steps // 4 + lines):,} log lines, {total:,} records"
            print(said)
            found[said] = asyncio.run(ask(Path(name), ids, chosen.times))
    results.save(chosen.json, found)


if __name__ == "__main__":
    main()
