"""Stores for the explorer's tests: a small run, one that is hostile in every field, and a large one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

from syndarix_obs.records import model as r
from syndarix_obs.records.model import Record, SpanEvent
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import AlertRow, CostRow, Dimension, SilenceRow
from syndarix_obs_read.errors import BackendUnavailable

S = 1_000_000_000
START = time.time_ns() // 1_000_000 * 1_000_000 - 600 * S
TRACE, OTHER, LARGE = "aa" * 16, "bb" * 16, "cc" * 16
WHO: dict[str, Any] = {"agent": "support", "project": "acme", "session_id": "s-1", "task_type": "refund",
                       "user": "u_0123456789abcdef"}  # fmt: skip
EVIL = (
    "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"
    "</title></textarea></pre></option>javascript:alert(3)`{{7*7}}`&lt;\u202e\x00\x1b[31m"
)
"""Breaks out of every place of a page that does not escape."""
STORED = EVIL.replace("\x00", "\ufffd")
"""The same as the store keeps it."""
DOWN = "cannot reach Loki at http://127.0.0.1:3100: connection refused; start it, or set SYNDARIX_OBS_READ_LOKI_URL"


def make(kind: type[Record], trace: str, span: str, parent: str | None, at: float, took: float = 0, **more: Any) -> Any:
    """One record; `at` and `took` are seconds from START, `payload` is a dict."""
    start = START + round(at * S)
    payload = more.pop("payload", None)
    return kind(
        record_id=more.pop("record_id", f"{trace}:{span}"), trace_id=trace, span_id=span, parent_id=parent,
        start_ns=start, end_ns=start + round(took * S), service=more.pop("service", "desk"), environment="test",
        payload=None if payload is None else json.dumps(payload), **more,
    )  # fmt: skip


def run(
    trace: str = TRACE,
    at: float = 0,
    text: str = "Where is my order?",
    *,
    model: str = "gpt-x",
    outcome: str = "resolved",
    decision: str = "tool_selection",
    **more: Any,
) -> Iterator[Record]:
    """A session with every kind of record; its tool fails in a loop. `text` stands wherever free text may stand."""
    who = {**WHO, **more}
    name, broken = more.get("agent", "lookup"), {"status": "error", "error_message": f"no answer: {text}"}
    talk = {"input": [{"role": "system", "content": text}, {"role": "user", "content": text}],
            "output": [{"role": "assistant", "content": text, "tool_calls": [{"name": name, "arguments": text}]}],
            "tools": [{"name": name, "description": text}]}  # fmt: skip
    event = SpanEvent("exception", START + round((at + 5) * S), {"exception.type": name, "exception.message": text})
    yield make(r.SessionRecord, trace, "01", None, at, 9, name=f"invoke_agent {name}", outcome=outcome, **who)
    yield make(r.TaskRecord, trace, "02", "01", at, 8, name=name, **who)
    yield make(r.ContextRecord, trace, "03", "02", at + 0.1, 0.1, sections={name: 10}, tokens=10, limit=100, **who)
    yield make(r.MemoryRecord, trace, "04", "02", at + 0.2, 0.1, operation="search", store=name, found=1,
               payload={"query": text}, **who)  # fmt: skip
    yield make(r.LLMRecord, trace, "05", "02", at + 1, 2, name="chat", model=model, priced=True,
               provider="openai", cost_usd=Decimal("0.01"), input_tokens=100, output_tokens=20, finish_reason="stop",
               first_token_s=0.25, payload=talk, **who)  # fmt: skip
    yield make(r.DecisionRecord, trace, "06", "02", at + 3, decision_id=f"{trace}-d", confidence=0.8, payload=
               {"reasoning": text, "context_summary": text}, decision_type=decision,
               options=(name, "ask", text), selected=name, **who)  # fmt: skip
    yield make(r.ToolRecord, trace, "07", "02", at + 4, 1, tool=name, loop_count=4, error_type=f"shop.{name}",
               events=(event,), payload={"arguments": {name: text}, "result": {"said": [text, 1, None]}}, **broken,
               **who)  # fmt: skip
    yield make(r.SafetyRecord, trace, "08", "02", at + 6, check=name, passed=False, payload={"detail": text}, **who)
    yield make(r.LogRecord, trace, "07", None, at + 6.5, record_id=f"{trace}:log", logger=name, severity="warning",
               payload={"message": text}, **who)  # fmt: skip
    yield make(r.AnnotationRecord, trace, "09", "01", at + 7, target="01", label=name, payload={"note": text}, **who)
    yield make(r.ScoreRecord, trace, "0b", "01", at + 8, score_type="feedback", score_name=name, value=1.0, label=text,
               source=name, judge_version=name, payload={"explanation": text}, **who)  # fmt: skip
    yield make(r.SpanRecord, trace, "0a", "07", at + 4.1, 0.5, name=name, **who)
    yield from ledger(trace, at, model, **who)


def ledger(trace: str, at: float, exact: str, **who: Any) -> Iterator[Record]:
    """An exact, an estimated and an unpriced line."""
    for number, (model, amount, estimated) in enumerate(
        [(exact, "0.01", False), ("guess", "0.002", True), ("house-1", None, False)]
    ):
        yield make(r.CostRecord, trace, "05", None, at + 1, record_id=f"{trace}:{number}:cost", model=model,
                   priced=amount is not None, estimated=estimated, provider="openai", tokens_input=100,
                   tokens_output=20, tokens_total=120, total_cost_usd=None if amount is None else Decimal(amount),
                   **who)  # fmt: skip


def hostile() -> Iterator[Record]:
    """The run with code in every field that takes text."""
    fields = ("agent", "project", "session_id", "task_type", "user", "service", "model", "outcome", "decision")
    yield from run(text=EVIL, **dict.fromkeys(fields, EVIL))


def large(spans: int, payload: int = 200) -> Iterator[Record]:
    """A trace of many spans."""
    yield make(r.SessionRecord, LARGE, "01", None, 0, spans / 100, name="invoke_agent support", **WHO)
    for number in range(1, spans):
        yield make(r.ToolRecord, LARGE, f"t{number:05}", "01", number / 100, 0.01, tool=f"tool-{number % 7}",
                   payload={"arguments": {"n": number}, "result": "x" * payload}, **WHO)  # fmt: skip


def write(home: Path, *records: Record) -> Path:
    """Store records in a home folder."""
    writer = StoreWriter(store_path(home))
    writer.write(records)
    writer.index(5.0)
    writer.close()
    return home


@dataclass
class Stack(EmbeddedBackend):
    """The embedded backend with alerts; what `down` names cannot be reached."""

    home: Path
    text: str = "refunds go wrong"
    down: Sequence[str] = field(default=())

    def __post_init__(self) -> None:
        super().__init__(store_path(self.home))

    async def alerts(self, labels: Mapping[str, str]) -> list[AlertRow]:
        self._reach("alerts")
        return [
            AlertRow(
                fingerprint="f1", labels={"alertname": self.text, "severity": "critical", "agent": self.text},
                state="active", silenced_by=(), inhibited_by=(), receivers=(self.text,), since_ns=START,
                until_ns=START + S, annotations={"summary": self.text, "runbook_url": f"javascript:{self.text}"},
            )
        ]  # fmt: skip

    async def silences(self) -> list[SilenceRow]:
        return [
            SilenceRow(silence_id="s1", state="active", labels={self.text: self.text}, since_ns=START,
                       until_ns=START + S, author=self.text, comment=self.text)
        ]  # fmt: skip

    async def trigger(self, *_: Any) -> None:
        raise AssertionError("the explorer changes nothing")

    async def silence(self, *_: Any) -> str:
        raise AssertionError("the explorer changes nothing")

    async def expire(self, silence_id: str) -> None:
        raise AssertionError("the explorer changes nothing")

    async def costs(self, where: Filter, by: Sequence[Dimension], zone: tzinfo) -> list[CostRow]:
        self._reach("costs")
        return await super().costs(where, by, zone)

    async def agents(self, where: Filter) -> Any:
        self._reach("agents")
        return await super().agents(where)

    def _reach(self, what: str) -> None:
        if what in self.down:
            raise BackendUnavailable(DOWN)
