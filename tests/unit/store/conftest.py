"""A store in a temporary folder, and records to put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from syndarix_obs.records.model import CostRecord, LLMRecord, Record
from syndarix_obs.store.writer import StoreWriter

SECOND = 1_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "records.sqlite"


@pytest.fixture
def writer(path: Path) -> Iterator[StoreWriter]:
    found = StoreWriter(path)
    yield found
    found.close()


@pytest.fixture
def llm() -> Callable[..., LLMRecord]:
    def make(number: int = 1, **changes: Any) -> LLMRecord:
        values: dict[str, Any] = {
            "record_id": f"t{number}:s{number}", "trace_id": f"t{number}", "span_id": f"s{number}", "parent_id": "p",
            "name": "chat gpt-4o", "start_ns": number * SECOND, "end_ns": number * SECOND + 5, "session_id": "one",
            "agent": "support", "user": "u_1", "provider": "openai", "model": "gpt-4o", "input_tokens": 10,
            "output_tokens": 5, "priced": True, "cost_usd": Decimal("0.00125"),
            "payload": '{"input":[{"role":"user","content":"where is my order"}]}',
        }  # fmt: skip
        return LLMRecord(**{**values, **changes})

    return make


@pytest.fixture
def cost() -> Callable[..., CostRecord]:
    def make(number: int = 1, **changes: Any) -> CostRecord:
        values: dict[str, Any] = {
            "record_id": f"t{number}:s{number}:cost", "trace_id": f"t{number}", "span_id": f"s{number}",
            "start_ns": number * SECOND, "end_ns": number * SECOND + 5, "session_id": "one", "agent": "support",
            "user": "u_1", "provider": "openai", "model": "gpt-4o", "tokens_input": 10, "tokens_output": 5,
            "tokens_total": 15, "cost_per_input_token": Decimal("0.0000025"),
            "cost_per_output_token": Decimal("0.00001"), "total_cost_usd": Decimal("0.000075"), "priced": True,
        }  # fmt: skip
        return CostRecord(**{**values, **changes})

    return make


@pytest.fixture
def calls(llm: Callable[..., Record], cost: Callable[..., Record]) -> Callable[[int], list[Record]]:
    def make(count: int) -> list[Record]:
        return [record for number in range(1, count + 1) for record in (llm(number), cost(number))]

    return make
