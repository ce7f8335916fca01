"""The MCP server over a big store: tokens, bytes and time of every tool's answer, and that none exceeds its budget.

Run: `python benchmarks/mcp_budget.py [--spans 100000] [--large 1000] [--size 200000] [--json FILE]`. It makes a store
in a temporary folder (`--folder` keeps it), asks through the SDK's client in memory, and needs nothing else. `--large`
spans carry payloads of `--size` characters, half of them in one trace; the others carry 200.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from mcp import Client

import results
from syndarix_obs.records.model import (
    CostRecord,
    DecisionRecord,
    LLMRecord,
    LogRecord,
    Record,
    SessionRecord,
    ToolRecord,
)
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.mcp.server import build_server
from syndarix_obs_read.mcp.token_estimate import estimate
from syndarix_obs_read.settings import ReadSettings

SPANS_PER_TRACE = 40
BIG = "b" * 32
BATCH = 2_000
WORDS = ("order", "refund", "customer", "booking", "policy", "agent", "insurance", "tool", "error", "because")
STACK_ONLY = {"list_alerts", "trigger_alert", "silence_alert", "query_metrics", "query_logs", "query_traces"}


def texts(size: int, count: int = 8) -> list[str]:
    """Some texts of this size."""
    chance = random.Random(5)
    return [" ".join(chance.choices(WORDS, k=size // 7))[:size] for _ in range(count)]


def trace(
    trace_id: str, session: str, start: int, steps: int, text: list[str], chance: random.Random
) -> Iterator[Record]:
    """A session of model calls, decisions, tool calls (one in ten fails) and log lines, with their ledger lines."""
    who: dict[str, Any] = {
        "trace_id": trace_id, "service": "desk", "environment": "production", "session_id": session,
        "agent": f"agent-{chance.randrange(12)}", "project": f"project-{chance.randrange(6)}", "task_type": "refund",
    }  # fmt: skip
    end = start + steps * 10**8
    yield SessionRecord(record_id=f"{trace_id}:0", span_id="0", name="invoke_agent", start_ns=start, end_ns=end, **who)
    for i in range(steps):
        at = {"start_ns": start + i * 10**8, "end_ns": start + (i + 1) * 10**8, "parent_id": "0"}
        span, body = f"{i:08x}", text[i % len(text)]
        key = {"record_id": f"{trace_id}:{span}", "span_id": span}
        if i % 4 == 0:
            said = [{"role": "assistant", "content": body}]
            payload = json.dumps({"input": [{"role": "user", "content": body}], "output": said})
            yield LLMRecord(provider="openai", model="gpt-4o", input_tokens=500, output_tokens=90, priced=True,
                            cost_usd=Decimal("0.00225"), payload=payload, **key, **at, **who)  # fmt: skip
            yield CostRecord(record_id=f"{key['record_id']}:cost", span_id=span, provider="openai", model="gpt-4o",
                             tokens_input=500, tokens_output=90, tokens_total=590, priced=True,
                             total_cost_usd=Decimal("0.00225"), **at, **who)  # fmt: skip
        elif i % 4 == 1:
            yield DecisionRecord(decision_id=key["record_id"], decision_type="tool_selection",
                                 options=("search", "refund"), selected=chance.choice(("search", "refund")),
                                 confidence=chance.random(),
                                 payload=json.dumps({"reasoning": body}), **key, **at, **who)  # fmt: skip
        elif i % 4 == 2:
            failed = {"status": "error", "error_type": "Timeout", "error_message": f"order {i}: {body[:2000]}"}
            yield ToolRecord(tool="search", payload=json.dumps({"arguments": {"query": body}, "result": body}),
                             **(failed if chance.random() < 0.1 else {}), **key, **at, **who)  # fmt: skip
        else:
            line = json.dumps({"message": body})
            yield LogRecord(logger="desk", severity="warning", payload=line, **key, **at, **who)


def everything(spans: int, large: int, size: int) -> Iterator[Record]:
    """All records: the big trace first, then the others over the last 20 hours."""
    chance = random.Random(1)
    small, huge = texts(200), texts(size)
    start = time.time_ns() - 20 * 3_600 * 10**9
    yield from trace(BIG, "big", start, large // 2, huge, chance)
    traces = max(1, (spans - large // 2) // SPANS_PER_TRACE)
    every = max(1, traces * SPANS_PER_TRACE // max(1, large - large // 2))
    for number in range(traces):
        body = huge if number * SPANS_PER_TRACE % every < SPANS_PER_TRACE and number % 4 == 0 else small
        at = start + number * 20 * 3_600 * 10**9 // traces
        yield from trace(f"{chance.getrandbits(128):032x}", f"s-{number}", at, SPANS_PER_TRACE, body, chance)


def fill(home: Path, spans: int, large: int, size: int) -> None:
    """Write the store, in batches."""
    writer = StoreWriter(store_path(home))
    batch: list[Record] = []
    for record in everything(spans, large, size):
        batch.append(record)
        if len(batch) >= (20 if record.payload and len(record.payload) > 10_000 else BATCH):
            writer.write(batch)
            batch = []
    writer.write(batch)
    while not writer.index(30.0):
        pass
    writer.close()


CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("list_names", {}), ("get_health", {}), ("list_sessions", {}), ("list_sessions", {"limit": 1000}),
    ("get_session", {"session_id": "big"}), ("get_agent_stats", {}), ("search_traces", {}),
    ("search_traces", {"limit": 1000}), ("search_traces", {"status": "error", "text": "refund"}),
    ("get_trace", {"trace_id": BIG}), ("get_trace", {"trace_id": BIG, "payloads": True, "limit": 1000}),
    ("explain_trace", {"trace_id": BIG}), ("get_timeline", {"trace_or_session": BIG, "limit": 1000}),
    ("get_errors", {}), ("get_decisions", {"limit": 1000}), ("get_decision_patterns", {}),
    ("search_logs", {"text": "refund"}), ("search_logs", {"trace_id": BIG, "payloads": True, "limit": 1000}),
    ("get_cost_summary", {"by": ["agent", "project", "model", "day"]}),
)  # fmt: skip


async def ask(home: Path, budget: int) -> list[dict[str, Any]]:
    """Ask every question once; a figure for each."""
    figures = []
    async with Client(build_server(ReadSettings(home=home, answer_tokens=budget, timeout=600))) as client:
        asked = {name for name, _ in CALLS}
        assert asked == {tool.name for tool in (await client.list_tools()).tools} - STACK_ONLY
        for name, arguments in CALLS:
            begun = time.perf_counter()
            result = await client.call_tool(name, arguments)
            taken = time.perf_counter() - begun
            text = result.content[0].text  # type: ignore[union-attr]  # our tools answer in text
            cut = any(hint.startswith("cut to") for hint in (result.structured_content or {}).get("hints", ()))
            figures.append({
                "tool": name, "arguments": arguments, "tokens": estimate(text), "bytes": len(text.encode()),
                "seconds": round(taken, 3), "cut": cut, "error": text if result.is_error else None,
            })  # fmt: skip
    return figures


def main() -> int:
    """Fill, ask, print; returns 1 when an answer failed or exceeded the budget."""
    options = results.parser(__doc__)
    options.add_argument("--spans", type=int, default=100_000)
    options.add_argument("--large", type=int, default=1_000)
    options.add_argument("--size", type=int, default=200_000)
    options.add_argument("--budget", type=int, default=8_000)
    options.add_argument("--folder", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = chosen.folder or Path(name)
        if not store_path(home).exists():
            fill(home, chosen.spans, chosen.large, chosen.size)
        print(f"store: {store_path(home).stat().st_size / 1e6:,.0f} MB")
        figures = asyncio.run(ask(home, chosen.budget))
    for each in figures:
        words = json.dumps(each["arguments"])
        print(f"{each['tool']:22} {words:58} {each['tokens']:6} tokens {each['bytes']:7} bytes {each['seconds']:8.3f} s"
              f"{'  cut' if each['cut'] else ''}{'  ERROR ' + each['error'] if each['error'] else ''}")  # fmt: skip
    results.save(chosen.json, {"spans": chosen.spans, "budget": chosen.budget, "calls": figures})
    return int(any(each["error"] or each["tokens"] > chosen.budget for each in figures))


if __name__ == "__main__":
    sys.exit(main())
