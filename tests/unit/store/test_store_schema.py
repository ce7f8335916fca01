"""Schema, migrations, and reading rows back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndarix_obs.records import model as r
from syndarix_obs.store import schema, search
from syndarix_obs.store.database import migrate, open_for_read, open_for_write
from syndarix_obs.store.migrations import MIGRATIONS, RECORDS
from syndarix_obs.store.writer import StoreWriter

COMMON: dict[str, Any] = {
    "record_id": "t:s", "trace_id": "t", "span_id": "s", "parent_id": "p", "name": "n", "start_ns": 1, "end_ns": 3,
    "status": "error", "error_type": "ValueError", "error_message": "no", "service": "shop", "environment": "test",
    "session_id": "one", "agent": "a", "agent_type": "w", "agent_version": "v", "project": "p", "user": "u_1",
    "task_type": "refund", "attributes": {"http.status": 200, "tags": ["x", "y"]},
    "events": (r.SpanEvent("loop", 2, {"count": 4}),),
}  # fmt: skip
EVERY_KIND = [
    r.SpanRecord(**COMMON),
    r.SessionRecord(**COMMON, outcome="escalated"),
    r.TaskRecord(**COMMON, outcome="success"),
    r.LLMRecord(
        **COMMON, provider="openai", model="m", request_model="rm", finish_reason="stop", first_token_s=0.25,
        input_tokens=10, reasoning_tokens=2, priced=True, cost_usd=Decimal("0.0012500"), stream=True,
    ),
    r.ToolRecord(**COMMON, tool="search", call_id="c", loop_count=4),
    r.MemoryRecord(**COMMON, operation="search", store="orders", found=0),
    r.ContextRecord(**COMMON, sections={"system": 3}, evicted={"history": 9}, tokens=3, limit=100),
    r.SafetyRecord(**COMMON, check="pii", passed=False),
    r.DecisionRecord(
        **COMMON, decision_id="d", decision_type="tool_selection", options=("a", "b"), selected="a", confidence=0.5
    ),
    r.AnnotationRecord(**COMMON, target="t", label="bug"),
    r.LogRecord(**COMMON, logger="app", severity="warning"),
]  # fmt: skip


def columns_of(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def oldest(path: Path) -> None:
    """A store as the first migration alone made it, with one row."""
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at TEXT)")
    connection.execute("INSERT INTO migrations VALUES (?, 'then')", (RECORDS.name,))
    for statement in RECORDS.statements():
        connection.execute(statement)
    connection.execute(
        "INSERT INTO records (kind, ts_ns, duration_ns, level, record_id, trace_id, span_id, name, end_ns, status)"
        " VALUES ('span', 1, 1, 'info', 'r', 't', 's', 'GET /orders', 2, 'ok')"
    )
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()


def test_a_new_store_has_the_documented_columns_and_version(path: Path) -> None:
    connection = open_for_write(path)
    assert {"id", *schema.RECORD_COLUMNS} == columns_of(connection, "records")
    assert {"id", *schema.LEDGER_COLUMNS} == columns_of(connection, "ledger")
    assert set(schema.SESSION_COLUMNS) == columns_of(connection, "sessions")
    assert (len(MIGRATIONS),) == connection.execute("PRAGMA user_version").fetchone()
    names = [name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY name")]
    connection.close()
    assert [migration.name for migration in MIGRATIONS] == names


def test_migrating_again_changes_nothing(path: Path) -> None:
    connection = open_for_write(path)
    applied = migrate(connection)
    connection.close()
    assert 0 == applied


def test_the_oldest_schema_is_migrated_and_its_rows_can_be_searched(path: Path) -> None:
    oldest(path)
    connection = open_for_write(path)
    search.catch_up(connection, 5)
    found = search.find(connection, "/ord", columns="r.record_id")
    connection.close()
    assert [("r",)] == found


def test_a_reader_brings_an_older_store_up_to_date_first(path: Path) -> None:
    oldest(path)
    connection = open_for_read(path)
    found = search.find(connection, "GET", columns="r.record_id")
    connection.close()
    assert ["r"] == [row["record_id"] for row in found]


def test_a_migration_that_fails_leaves_the_schema_as_it_was(path: Path) -> None:
    oldest(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE search (in_the_way)")
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrate(connection)
    version = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    assert (1,) == version


@pytest.mark.parametrize("record", EVERY_KIND, ids=lambda record: type(record).__name__)
def test_a_row_reads_back_as_the_log_line_of_its_record(path: Path, record: r.Record) -> None:
    writer = StoreWriter(path)
    writer.write([record])
    writer.close()
    connection = open_for_read(path)
    row = dict(connection.execute("SELECT * FROM records").fetchone())
    connection.close()
    assert json.loads(record.line(payload=False)) == schema.fields(row)
    assert (record.level, record.duration_ns) == (row["level"], row["duration_ns"])


@given(st.decimals(min_value=-9_000_000, max_value=9_000_000, places=12))
def test_amounts_down_to_a_millionth_of_a_micro_dollar_are_exact(amount: Decimal) -> None:
    assert amount == schema.dollars(schema.pico(amount))


@pytest.mark.parametrize("amount", [None, Decimal("NaN"), Decimal("Infinity"), Decimal("1e30"), Decimal("9999999")])
def test_an_amount_that_is_unknown_or_too_large_has_no_integer(amount: Decimal | None) -> None:
    assert schema.pico(amount) is None


def test_a_sum_of_nothing_stays_unknown() -> None:
    assert schema.dollars(None) is None


def test_the_sum_of_the_ledger_is_exact(path: Path, cost: Callable[..., r.CostRecord]) -> None:
    writer = StoreWriter(path)
    writer.write([cost(n, total_cost_usd=Decimal("0.1")) for n in range(1000)])
    writer.close()
    connection = open_for_read(path)
    total = connection.execute("SELECT sum(cost_pico) FROM ledger").fetchone()[0]
    connection.close()
    assert Decimal(100) == schema.dollars(total)
