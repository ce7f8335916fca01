"""A small world to ask about, written through the write side's own writer: every kind of record, every sum known.

Session `s-refund` (trace `aa…`): triage hands over to support, whose tool fails; the failure passes up to the task.
Costs of 0.001 (triage, gpt-4o-mini), 0.02 (support, claude, estimated) and one call without a price (support, house-1).
Session `s-loop` (trace `ab…`): four equal tool calls, a failed safety check, outcome `failure`, cost 0.3, a day before.
Session `s-live` (trace `cc…`): still running.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs.records import model as r
from syndarix_obs.records.model import Record, SpanEvent
from syndarix_obs.store.writer import StoreWriter

S = 1_000_000_000
DAY = 86_400 * S
T0 = 1_772_373_600 * S
"""2026-03-01T14:00:00Z: when `s-refund` begins."""
NOW = T0 + 3_600 * S
REFUND, LOOP, LIVE = "aa" * 16, "ab" * 16, "cc" * 16
USER = "u_0123456789abcdef"

_TRIAGE: dict[str, Any] = {"agent": "triage", "session_id": "s-refund", "project": "acme", "user": USER}
_SUPPORT: dict[str, Any] = {**_TRIAGE, "agent": "support", "task_type": "refund"}
_BROKEN: dict[str, Any] = {
    "status": "error", "error_type": "shop.errors.CarrierTimeout",
    "error_message": "no answer for order 4711 within 5 s",
}  # fmt: skip


def make(
    kind: type[Record], trace: str, span: str, parent: str | None, at: float, took: float = 0.0, **more: Any
) -> Any:
    """One record: `at` and `took` are seconds from T0; `payload` is a dict."""
    start = T0 + round(at * S)
    payload = more.pop("payload", None)
    return kind(
        record_id=more.pop("record_id", f"{trace}:{span}"), trace_id=trace, span_id=span, parent_id=parent,
        start_ns=start,
        end_ns=start + round(took * S), service="desk", environment="test",
        payload=None if payload is None else json.dumps(payload), **more,
    )  # fmt: skip


def cost(trace: str, span: str, at: float, amount: str | None, **more: Any) -> r.CostRecord:
    """The ledger's line of a call."""
    tokens = {"tokens_input": 100, "tokens_output": 20, "tokens_cache_read": 5, "tokens_total": 125}
    paid = None if amount is None else Decimal(amount)
    found: r.CostRecord = make(
        r.CostRecord, trace, span, None, at, record_id=f"{trace}:{span}:cost", total_cost_usd=paid,
        priced=paid is not None, **{**tokens, **more},
    )  # fmt: skip
    return found


def refund() -> list[Record]:
    """The session that fails in a tool."""
    call = {"input_tokens": 105, "output_tokens": 20, "cache_read_tokens": 5}
    answer = {"output": [{"role": "assistant", "content": "I will refund 50% of it."}]}
    return [
        make(r.SessionRecord, REFUND, "01", None, 0, 10, name="invoke_agent triage", outcome="escalated",
        agent_type="router",
             events=(SpanEvent(v.EVENT_LOOP, T0 + 9 * S, {v.LOOP_TOOL: "refund", v.LOOP_COUNT: 4}),), **_TRIAGE),
        make(r.LLMRecord, REFUND, "02", "01", 0.5, 1, name="chat gpt-4o-mini", provider="openai", model="gpt-4o-mini",
             first_token_s=0.25, finish_reason="stop", priced=True, cost_usd=Decimal("0.001"), payload=answer, **call,
             **_TRIAGE),
        make(r.DecisionRecord, REFUND, "03", "01", 1.6, decision_id="d1", decision_type="tool_selection",
             options=("support", "sales"), selected="support", confidence=0.8,
             payload={"reasoning": "It is about money."},
             **_TRIAGE),
        make(r.SessionRecord, REFUND, "04", "01", 2, 7, name="invoke_agent support", **_SUPPORT),
        make(r.TaskRecord, REFUND, "05", "04", 2, 7, name="task refund", **_BROKEN, **_SUPPORT),
        make(r.ContextRecord, REFUND, "06", "05", 2.1, 0.1, name="assemble_context", sections={"system": 300,
        "memory": 50},
             evicted={"history": 800}, tokens=350, limit=4000, **_SUPPORT),
        make(r.MemoryRecord, REFUND, "07", "05", 2.2, 0.2, name="search_memory orders", operation="search",
        store="orders",
             found=2, payload={"query": "order 4711"}, **_SUPPORT),
        make(r.LLMRecord, REFUND, "08", "05", 2.5, 2, name="chat claude", provider="anthropic", model="claude",
             estimated=True, priced=True, cost_usd=Decimal("0.02"), finish_reason="tool_use", payload=answer, **call,
             **_SUPPORT),
        make(r.LLMRecord, REFUND, "09", "05", 4.6, 3, name="chat house-1", provider="house", model="house-1", **call,
             **_SUPPORT),
        make(r.DecisionRecord, REFUND, "0a", "05", 7.7, decision_id="d2", decision_type="tool_selection",
             options=("refund", "ask"), selected="refund", payload={"reasoning": "50% is due."}, **_SUPPORT),
        make(r.ToolRecord, REFUND, "0b", "05", 7.8, 1.2, name="execute_tool refund", tool="refund",
             payload={"arguments": {"order": "4711"}}, **_BROKEN, **_SUPPORT),
        make(r.LogRecord, REFUND, "0b", None, 8.9, record_id="log:1", name="desk", logger="desk", severity="warning",
             payload={"message": "refund is slow"}, **_SUPPORT),
        make(r.AnnotationRecord, REFUND, "0c", "01", 20, target="01", label="feedback",
        payload={"note": "2 of 5 stars"},
             **_TRIAGE),
        make(r.SpanRecord, REFUND, "0d", "0b", 8, 0.5, name="POST /refund", **_SUPPORT),
        cost(REFUND, "02", 0.5, "0.001", model="gpt-4o-mini", provider="openai", **_TRIAGE),
        cost(REFUND, "08", 2.5, "0.02", model="claude", provider="anthropic", estimated=True, **_SUPPORT),
        cost(REFUND, "09", 4.6, None, model="house-1", provider="house", **_SUPPORT),
    ]  # fmt: skip


def loop() -> list[Record]:
    """The session that goes in circles, the day before."""
    who: dict[str, Any] = {"agent": "support", "session_id": "s-loop", "project": "globex"}
    day = -86_400.0
    calls = [
        make(r.ToolRecord, LOOP, f"2{i}", "11", day + 1 + i, 0.1 * (i + 1), name="execute_tool track", tool="track",
             loop_count=4 if i == 3 else None, payload={"arguments": {"parcel": 9}, "result": "in transit"}, **who)
        for i in range(4)
    ]  # fmt: skip
    return [
        make(r.SessionRecord, LOOP, "11", None, day, 6, name="invoke_agent support", outcome="failure", **who),
        *calls,
        make(r.SafetyRecord, LOOP, "12", "11", day + 5.5, check="tone", passed=False, payload={"detail": "rude"},
        **who),
        make(r.LLMRecord, LOOP, "13", "11", day + 5, 0.5, name="chat claude", provider="anthropic", model="claude",
             priced=True, cost_usd=Decimal("0.3"), **who),
        cost(LOOP, "13", day + 5, "0.3", model="claude", provider="anthropic", **who),
    ]  # fmt: skip


def live() -> list[Record]:
    """The session that runs: its pending row and one finished step."""
    who: dict[str, Any] = {"agent": "support", "session_id": "s-live", "project": "acme"}
    return [
        make(r.SessionRecord, LIVE, "31", None, 100, status="running", name="invoke_agent support", **who),
        make(r.ToolRecord, LIVE, "32", "31", 101, 2, name="execute_tool track", tool="track", **who),
    ]


def write(path: Path, *records: Record) -> None:
    """Store records at `path`, and bring the text index up to date."""
    writer = StoreWriter(path)
    writer.write(records)
    writer.index(5.0)
    writer.close()
