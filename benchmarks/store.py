"""The embedded store in figures: what a call costs to store, and how long its answers take.

Run: `python benchmarks/store.py [--calls 20000] [--lines 200000] [--json FILE]`. It works in a temporary
folder and needs nothing else.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import results
from syndarix_obs.destinations.sqlite import EmbeddedDestination
from syndarix_obs.records.model import CostRecord, LLMRecord, LogRecord, Record
from syndarix_obs.store import search
from syndarix_obs.store.database import open_for_read
from syndarix_obs.store.writer import StoreWriter

TEXT = (
    "order refund customer flight booking policy cancel the a to is agent please confirm baggage insurance "
    "total payment certificate reservation user search tool result error because option reasoning weather"
)
WORDS = TEXT.split()
START_NS = 1_750_000_000_000_000_000
MONTH_NS = 30 * 86_400 * 10**9
SPANS_PER_TRACE = 10


def sentence(chance: random.Random, size: int) -> str:
    """Text of about `size` characters from a small vocabulary with numbers in between."""
    parts: list[str] = []
    length = 0
    while length < size:
        word = chance.choice(WORDS) if chance.random() < 0.9 else str(chance.randrange(10**6))
        parts.append(word)
        length += len(word) + 1
    return " ".join(parts)


def llm_call(chance: random.Random, number: int, total: int, size: int) -> list[Record]:
    """An LLM call with a payload of about `size` bytes, spread over 30 days, ten calls to a trace."""
    trace = f"{random.Random(number // SPANS_PER_TRACE).getrandbits(128):032x}"
    start = START_NS + number * MONTH_NS // total
    values: dict[str, Any] = {
        "trace_id": trace, "span_id": f"{chance.getrandbits(64):016x}", "parent_id": "00f067aa0ba902b7",
        "name": "chat gpt-4o", "start_ns": start, "end_ns": start + 900_000_000, "service": "support-desk",
        "environment": "production", "session_id": f"session-{number // 40}", "agent": f"agent-{number % 5}",
        "agent_type": "assistant", "project": f"project-{number % 7}", "user": f"u_{number % 997:016x}",
        "task_type": "refund",
    }  # fmt: skip
    record_id = f"{trace}:{values['span_id']}"
    payload = json.dumps({"input": [{"role": "user", "content": sentence(chance, size)}]})
    return [
        LLMRecord(
            record_id=record_id, provider="openai", model="gpt-4o-2024-08-06", request_model="gpt-4o",
            finish_reason="stop", input_tokens=500, output_tokens=100, priced=True, cost_usd=Decimal("0.00225"),
            payload=payload, attributes={"gen_ai.request.temperature": 0.2, "syndarix.payload.bytes": len(payload)},
            **values,
        ),
        CostRecord(
            record_id=f"{record_id}:cost", provider="openai", model="gpt-4o-2024-08-06", tokens_input=500,
            tokens_output=100, tokens_total=600, cost_per_input_token=Decimal("0.0000025"),
            cost_per_output_token=Decimal("0.00001"), total_cost_usd=Decimal("0.00225"), priced=True, **values,
        ),
    ]  # fmt: skip


def log_line(chance: random.Random, number: int) -> Record:
    """A line of an application, some 150 characters."""
    message = sentence(chance, 120) + (" the-needle-in-the-hay" if number == 1000 else "")
    start = START_NS + number * 10**7
    return LogRecord(
        record_id=f"log{number}", trace_id=f"{number // 20:032x}", span_id="", name="app", start_ns=start, end_ns=start,
        payload=json.dumps({"message": message}), logger="shop", agent="support",
    )  # fmt: skip


def median_ms(action: Callable[[], Any], times: int = 5) -> float:
    """Median milliseconds of a few runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def store_calls(folder: Path, count: int, size: int) -> dict[str, float]:
    """Microseconds to store one call (record, payload and ledger line) in batches of 200 calls."""
    writer = StoreWriter(folder / f"calls-{size}.sqlite")
    chance = random.Random(1)
    cpu = wall = 0.0
    for first in range(0, count, 200):
        batch = [r for number in range(first, first + 200) for r in llm_call(chance, number, count, size)]
        cpu_before, wall_before = time.process_time(), time.perf_counter()
        writer.write(batch)
        cpu += time.process_time() - cpu_before
        wall += time.perf_counter() - wall_before
    writer.close()
    stored = (folder / f"calls-{size}.sqlite").stat().st_size
    return {"cpu_us": cpu / count * 1e6, "wall_us": wall / count * 1e6, "bytes": stored / count}


def hand_over(folder: Path, count: int) -> dict[str, float]:
    """What the pipeline's thread pays to hand a call over, and records/s through the exporter until
    committed."""
    exporter = EmbeddedDestination(folder / "exporter.sqlite", on_drop=lambda reason, n: print("dropped", reason, n))
    chance = random.Random(2)
    calls = [llm_call(chance, number, count, 2000) for number in range(count)]
    cpu, start = time.thread_time(), time.perf_counter()
    for records in calls:
        exporter.consume(None, records)
    handed = time.thread_time() - cpu
    exporter.flush(120)
    taken = time.perf_counter() - start
    exporter.close(5)
    return {"caller_cpu_us": handed / count * 1e6, "records_per_s": 2 * count / taken}


def answers(folder: Path, count: int) -> dict[str, float]:
    """Milliseconds of typical answers over the calls stored before."""
    reader = open_for_read(folder / "calls-2000.sqlite")
    traces = [row[0] for row in reader.execute("SELECT DISTINCT trace_id FROM records LIMIT 200")]
    by_trace = "SELECT * FROM records r LEFT JOIN payloads p ON p.id = r.id WHERE r.trace_id = ?"
    by_agent = "SELECT agent, model, sum(cost_pico), sum(tokens_total) FROM ledger WHERE ts_ns >= ? GROUP BY 1, 2"
    traces_ms = median_ms(lambda: [reader.execute(by_trace, (trace,)).fetchall() for trace in traces])
    cost_ms = median_ms(lambda: reader.execute(by_agent, (START_NS,)).fetchall())
    found = {"trace_by_id_ms": traces_ms / len(traces), f"cost_of_30_days_{count}_calls_ms": cost_ms}
    reader.close()
    return found


def text_search(folder: Path, lines: int) -> dict[str, float]:
    """Milliseconds to find text in log lines before and after they are indexed."""
    path = folder / "lines.sqlite"
    writer = StoreWriter(path)
    chance = random.Random(3)
    for first in range(0, lines, 1000):
        writer.write([log_line(chance, number) for number in range(first, min(first + 1000, lines))])
    reader = open_for_read(path)
    before = path.stat().st_size
    questions = {"rare": "NEEDLE-in-the", "absent": "no such text", "common": "refund"}
    found = {f"{name}_unindexed_ms": median_ms(lambda q=q: search.find(reader, q), 3) for name, q in questions.items()}
    start = time.perf_counter()
    writer.index(3600)
    found["index_us_per_line"] = (time.perf_counter() - start) / lines * 1e6
    found |= {f"{name}_indexed_ms": median_ms(lambda q=q: search.find(reader, q)) for name, q in questions.items()}
    reader.close()
    writer.close()
    found["bytes_per_line"] = before / lines
    found["index_bytes_per_line"] = (path.stat().st_size - before) / lines
    return found


def main() -> None:
    """Run everything and print one line for each figure."""
    options = results.parser(__doc__)
    options.add_argument("--calls", type=int, default=20_000)
    options.add_argument("--lines", type=int, default=200_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {
            "store a call, 2 KB payload": store_calls(folder, chosen.calls, 2000),
            "store a call, 200 KB payload": store_calls(folder, max(200, chosen.calls // 100), 200_000),
            "exporter, 2 KB payload": hand_over(folder, min(chosen.calls, 10_000)),
            "answers": answers(folder, chosen.calls),
            f"search in {chosen.lines} lines": text_search(folder, chosen.lines),
        }
    for group, figures in found.items():
        for figure, value in figures.items():
            print(f"{group:32} {figure:36} {value:12.2f}")
    results.save(chosen.json, found)


if __name__ == "__main__":
    main()
