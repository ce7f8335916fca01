"""What is written, once and exactly, whatever the values."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syndarix_obs import guard
from syndarix_obs import vocabulary as v
from syndarix_obs.records.model import CostRecord, LLMRecord, Record, SessionRecord, ToolRecord
from syndarix_obs.store.database import is_busy, is_full, open_for_read
from syndarix_obs.store.writer import StoreWriter

RUN: dict[str, Any] = {
    "record_id": "t:s", "trace_id": "t", "span_id": "s", "session_id": "one", "agent": "a", "start_ns": 10,
}  # fmt: skip


def rows(path: Path, statement: str) -> list[tuple[Any, ...]]:
    connection = open_for_read(path)
    found = [tuple(row) for row in connection.execute(statement)]
    connection.close()
    return found


def test_every_record_of_a_batch_is_stored_with_its_payload_and_cost(
    path: Path, writer: StoreWriter, calls: Callable[[int], list[Record]]
) -> None:
    assert 6 == writer.write(calls(3))
    assert [(3, 3)] == rows(path, "SELECT count(*), count(p.body) FROM records r JOIN payloads p ON p.id = r.id")
    assert [(3, 225_000_000)] == rows(path, "SELECT count(*), sum(cost_pico) FROM ledger")


def test_a_second_delivery_counts_once(
    path: Path, writer: StoreWriter, calls: Callable[[int], list[Record]]
) -> None:
    writer.write(calls(3))
    assert 2 == writer.write(calls(4))
    assert [(4,)] == rows(path, "SELECT count(*) FROM records")
    assert [(4,)] == rows(path, "SELECT count(*) FROM payloads")
    assert [(4, 300_000_000)] == rows(path, "SELECT count(*), sum(cost_pico) FROM ledger")


def test_an_unpriced_call_has_no_amount(
    path: Path, writer: StoreWriter, cost: Callable[..., CostRecord]
) -> None:
    nothing = {"cost_per_input_token": None, "cost_per_output_token": None, "total_cost_usd": None}
    writer.write([cost(1, priced=False, **nothing)])
    assert [(None, None, 0)] == rows(path, "SELECT total_cost_usd, cost_pico, priced FROM ledger")


def test_amounts_are_kept_as_written(path: Path, writer: StoreWriter, cost: Callable[..., CostRecord]) -> None:
    amount = Decimal("0.0000012345678901234567")
    writer.write([cost(1, total_cost_usd=amount)])
    assert [(str(amount), 1_234_568)] == rows(path, "SELECT total_cost_usd, cost_pico FROM ledger")


@pytest.mark.parametrize(("size", "kind"), [(100, "text"), (200_000, "blob")])
def test_a_payload_reads_back_whole_and_long_ones_are_compressed(
    path: Path, writer: StoreWriter, llm: Callable[..., LLMRecord], size: int, kind: str
) -> None:
    payload = json.dumps({"input": "zażółć " * (size // 7)}, ensure_ascii=False)
    writer.write([llm(1, payload=payload)])
    [(stored, length, body)] = rows(path, "SELECT typeof(body), bytes, unpack(body) FROM payloads")
    assert (kind, len(payload.encode()), payload) == (stored, length, body)


def test_no_payload_leaves_no_row(path: Path, writer: StoreWriter, llm: Callable[..., LLMRecord]) -> None:
    writer.write([llm(1, payload=None), llm(2, payload="{}")])
    assert [(0,)] == rows(path, "SELECT count(*) FROM payloads")


def test_a_session_is_seen_running_and_then_ended(path: Path, writer: StoreWriter) -> None:
    query = "SELECT status, ended_ns, outcome, last_progress_ns FROM sessions"
    assert 0 == writer.write([SessionRecord(**RUN, status=v.STATUS_RUNNING)])
    assert [("running", None, None, 10)] == rows(path, query)
    assert [(0,)] == rows(path, "SELECT count(*) FROM records")
    writer.write([SessionRecord(**RUN, end_ns=90, outcome="success")])
    assert [("ok", 90, "success", 90)] == rows(path, query)
    assert [("session",)] == rows(path, "SELECT kind FROM records")


def test_a_start_that_arrives_late_does_not_reopen_a_session(path: Path, writer: StoreWriter) -> None:
    writer.write([SessionRecord(**RUN, end_ns=90), SessionRecord(**RUN, status=v.STATUS_RUNNING)])
    assert [("ok", 90)] == rows(path, "SELECT status, ended_ns FROM sessions")


def test_steps_move_the_progress_of_a_running_session_forward_only(path: Path, writer: StoreWriter) -> None:
    writer.write([SessionRecord(**RUN, status=v.STATUS_RUNNING)])
    for end in (70, 40):
        step = {**RUN, "record_id": f"t:{end}", "span_id": str(end), "end_ns": end}
        writer.write([ToolRecord(**step, tool="search")])
    assert [(70,)] == rows(path, "SELECT last_progress_ns FROM sessions")


def test_two_runs_of_one_session_are_two_rows(path: Path, writer: StoreWriter) -> None:
    again = {**RUN, "record_id": "t2:s2", "trace_id": "t2", "span_id": "s2", "start_ns": 100}
    writer.write([SessionRecord(**RUN, end_ns=90), SessionRecord(**again, status=v.STATUS_RUNNING)])
    assert [("ok",), ("running",)] == rows(path, "SELECT status FROM sessions ORDER BY started_ns")


ANYTHING = st.one_of(
    st.text(), st.integers(), st.booleans(), st.floats(), st.binary(), st.lists(st.text()), st.just("\ud800 \x00"),
    st.dictionaries(st.text(), st.integers()), st.decimals(), st.just(10**30),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.fixed_dictionaries(dict.fromkeys(("agent", "user", "session_id", "error_message"), ANYTHING)),
       tokens=st.integers(), payload=st.text(), extra=ANYTHING)  # fmt: skip
def test_any_value_is_stored_in_some_form(
    path: Path, llm: Callable[..., LLMRecord], values: dict[str, Any], tokens: int, payload: str, extra: Any
) -> None:
    writer = StoreWriter(path)
    before = rows(path, "SELECT coalesce(max(id), 0) FROM records")[0][0]
    record = llm(before + 1, **values, input_tokens=tokens, payload=payload, attributes={"x": extra})
    stored = writer.write([record, llm(before + 1, record_id=f"neighbour{before}")])
    writer.close()
    assert (2, 0) == (stored, writer.rejected)


def test_a_text_with_a_nul_can_still_be_searched_behind_it(
    path: Path, writer: StoreWriter, llm: Callable[..., LLMRecord]
) -> None:
    writer.write([llm(1, error_message="before\x00after")])
    assert [("before\ufffdafter",)] == rows(path, "SELECT error_message FROM records")


def test_a_record_that_cannot_be_stored_does_not_take_its_neighbours_down(
    path: Path, writer: StoreWriter, llm: Callable[..., LLMRecord]
) -> None:
    assert 2 == writer.write([llm(1), llm(2, name=None), llm(3)])
    assert 1 == writer.rejected
    assert {"store.record": 1} == guard.failures()
    assert [("t1",), ("t3",)] == rows(path, "SELECT trace_id FROM records ORDER BY id")


def test_a_batch_that_meets_a_lock_is_not_stored_in_part_and_can_be_written_again(
    path: Path, writer: StoreWriter, calls: Callable[[int], list[Record]]
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as caught:
        writer.write(calls(2))
    assert is_busy(caught.value)
    other.execute("ROLLBACK")
    other.close()
    assert 4 == writer.write(calls(2))


def test_a_full_store_takes_nothing_of_a_batch(
    path: Path, llm: Callable[..., LLMRecord], calls: Callable[[int], list[Record]]
) -> None:
    writer = StoreWriter(path, max_bytes=200_000)
    writer.write(calls(1))
    with pytest.raises(sqlite3.OperationalError) as caught:
        writer.write([llm(number, payload="x" * 5000) for number in range(2, 200)])
    assert is_full(caught.value)
    assert 2 == writer.write(calls(2))
    writer.close()
    assert [(2,)] == rows(path, "SELECT count(*) FROM records")


def test_a_writer_notices_that_its_file_was_deleted_or_replaced(path: Path, writer: StoreWriter) -> None:
    assert writer.is_current()
    path.rename(path.with_suffix(".old"))
    assert not writer.is_current()
    path.touch()
    assert not writer.is_current()
