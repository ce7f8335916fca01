"""Spans and records to export."""

from __future__ import annotations

import json
import time
from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs.records import model as r
from syndarix_obs.records.finished import FinishedSpan

TRACE = "0af7651916cd43dd8448eb211c80319c"
NOW_NS = time.time_ns()


def record(number: int = 0, *, text: str = "hello", **fields: Any) -> r.Record:
    """An LLM call with a payload of its own."""
    values: dict[str, Any] = {
        "record_id": f"r{number}",
        "trace_id": TRACE,
        "span_id": f"{number + 1:016x}",
        "name": "chat gpt-4o",
        "start_ns": NOW_NS - 1_000_000_000,
        "end_ns": NOW_NS + number,
        "service": "shop",
        "environment": "test",
        "session_id": "s-1",
        "agent": "support",
        "user": "u-pseudonym",
        "model": "gpt-4o",
        "payload": json.dumps({"input": [{"role": "user", "content": text}]}, ensure_ascii=False),
    }
    return r.LLMRecord(**{**values, **fields})


def span(number: int = 0, **fields: Any) -> FinishedSpan:
    """A finished LLM span."""
    values: dict[str, Any] = {
        "name": "chat gpt-4o",
        "trace_id": TRACE,
        "span_id": f"{number + 1:016x}",
        "parent_id": "b7ad6b7169203331",
        "span_kind": "client",
        "start_ns": NOW_NS - 1_000_000_000,
        "end_ns": NOW_NS,
        "attributes": {
            v.GEN_AI_OPERATION_NAME: "chat",
            v.GEN_AI_REQUEST_MODEL: "gpt-4o",
            v.GEN_AI_USAGE_INPUT_TOKENS: 12,
            v.COST_USD: 0.25,
            v.PRICED: True,
            v.GEN_AI_RESPONSE_FINISH_REASONS: ["stop"],
        },
    }
    return FinishedSpan(**{**values, **fields})
