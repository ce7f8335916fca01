"""A trace of many steps: three agents that call one another, models and tools, some of which fail."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from syndarix_obs.records import model as r
from syndarix_obs.records.model import Record
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter

TRACE: Final = "ab" * 16
_MS: Final = 1_000_000
_FAILED: Final = {"status": "error", "error_type": "Timeout", "error_message": "no answer"}
_AGENTS: Final = ("planner", "researcher", "writer")


def records(steps: int) -> Iterator[Record]:
    """The records of a trace of so many steps, three agents' sessions among them."""
    begun = time.time_ns() - (steps + 60_000) * 10 * _MS
    for number, agent in enumerate(_AGENTS):
        parent = f"run{number - 1}" if number else None
        name = f"invoke_agent {agent}"
        yield _record(r.SessionRecord, f"run{number}", parent, begun, 0, steps * 10, agent, name=name)
    for number in range(steps - len(_AGENTS)):
        turn = number * len(_AGENTS) // steps
        parent, agent = f"run{turn}", _AGENTS[turn]
        at = number * 10
        if number % 4:
            yield _record(r.ToolRecord, f"s{number:05}", parent, begun, at, 8, agent, tool=f"tool-{number % 7}",
                          payload={"arguments": {"n": number}, "result": f"needle {number}"},
                          **(_FAILED if number % 500 == 1 else {}))  # fmt: skip
        else:
            yield _record(r.LLMRecord, f"s{number:05}", parent, begun, at, 9, agent, name="chat", model="gpt-x",
                          provider="openai", priced=True, cost_usd=Decimal(number % 97) / 10_000, input_tokens=100,
                          output_tokens=20, payload={"input": [{"role": "user", "content": f"step {number}"}],
                                                     "output": [{"role": "assistant", "content": "done"}]})  # fmt: skip


def _record(
    kind: type[Record], span: str, parent: str | None, begun: int, at_ms: int, took_ms: int, agent: str, **more: Any
) -> Any:
    payload = more.pop("payload", None)
    start = begun + at_ms * _MS
    return kind(
        record_id=f"{TRACE}:{span}", trace_id=TRACE, span_id=span, parent_id=parent, start_ns=start,
        end_ns=start + took_ms * _MS, service="long", environment="test", agent=agent, session_id="long",
        payload=None if payload is None else json.dumps(payload), **more,
    )  # fmt: skip


def write(home: Path, steps: int) -> None:
    """Store the trace in a home folder."""
    writer = StoreWriter(store_path(home))
    writer.write(records(steps))
    writer.index(10.0)
    writer.close()
