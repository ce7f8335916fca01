"""Sums of the ledger by the hour: whatever comes late, comes twice or goes, they say what its rows say."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syndarix_obs.records.model import CostRecord
from syndarix_obs.store import hours, schema
from syndarix_obs.store.database import open_for_write
from syndarix_obs.store.erase import erase_person
from syndarix_obs.store.migrations import RECORDS, SEARCH
from syndarix_obs.store.retention import prune
from syndarix_obs.store.writer import StoreWriter

HOUR = 3_600
Make = Callable[..., CostRecord]


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    found = open_for_write(path)
    yield found
    found.close()


def sums(connection: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    """Calls and tokens by hour and agent, of the ledger's summed rows or of the hours."""
    time = "hour_ns" if table == "ledger_hours" else "ts_ns"
    calls = "sum(calls)" if table == "ledger_hours" else "count(*)"
    within = "1" if table == "ledger_hours" else "id <= (SELECT value FROM meta WHERE key = 'summed_to')"
    pico = "exact_pico + estimated_pico" if table == "ledger_hours" else "ifnull(cost_pico, 0)"
    return connection.execute(
        f"SELECT {time} / {schema.HOUR_NS}, agent, model, {calls}, sum({pico}), sum(tokens_total)"
        f" FROM {table} WHERE {within} GROUP BY 1, 2, 3 HAVING {calls} <> 0 ORDER BY 1, 2, 3"
    ).fetchall()


def test_fewer_rows_than_a_step_are_left_to_the_readers(
    writer: StoreWriter, connection: sqlite3.Connection, cost: Make
) -> None:
    writer.write([cost(n) for n in range(1, 8)])
    assert hours.catch_up(connection, 5, rows=10)
    assert 0 == hours.summed_to(connection)
    writer.write([cost(n) for n in range(8, 15)])
    assert hours.catch_up(connection, 5, rows=10)
    assert 10 == hours.summed_to(connection)


def test_a_writer_that_is_idle_sums(
    writer: StoreWriter, connection: sqlite3.Connection, cost: Make
) -> None:
    writer.write([cost(n) for n in range(1, hours.ROWS_PER_STEP + 2)])
    assert writer.index(30)
    assert hours.ROWS_PER_STEP == hours.summed_to(connection)
    assert sums(connection, "ledger") == sums(connection, "ledger_hours")


amounts = st.none() | st.decimals(min_value=0, max_value=50, places=12)
lines = st.tuples(st.integers(1, 4 * HOUR), amounts, st.sampled_from(["a", "b", None]), st.booleans())


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(lines, max_size=12), max_size=5), kept_from=st.integers(0, 3 * HOUR))
def test_sums_follow_whatever_is_written_twice_late_or_deleted(
    tmp_path_factory: pytest.TempPathFactory, cost: Make, batches: list[list[Any]], kept_from: int
) -> None:
    path = tmp_path_factory.mktemp("hours") / "store.sqlite"
    writer, connection = StoreWriter(path), open_for_write(path)
    for batch in batches:
        records = [
            cost(second, record_id=f"{second}", total_cost_usd=paid, priced=paid is not None, agent=agent, estimated=e)
            for second, paid, agent, e in batch
        ]
        writer.write([*records, *records[:2]])
        hours.catch_up(connection, 5, rows=4)
        assert sums(connection, "ledger") == sums(connection, "ledger_hours")
        prune(connection, 0, ledger_before_ns=kept_from * 10**9)
        assert sums(connection, "ledger") == sums(connection, "ledger_hours")
    writer.close()
    connection.close()


def test_forgetting_a_user_leaves_the_sums_as_they_are(
    writer: StoreWriter, connection: sqlite3.Connection, cost: Make
) -> None:
    writer.write([cost(n) for n in range(1, 11)])
    hours.catch_up(connection, 5, rows=5)
    before = sums(connection, "ledger_hours")
    erase_person(connection, "u_1")
    assert before == sums(connection, "ledger") == sums(connection, "ledger_hours")


def test_sums_of_hours_whose_rows_are_gone_go_too(
    writer: StoreWriter, connection: sqlite3.Connection, cost: Make
) -> None:
    writer.write([cost(n * HOUR) for n in range(1, 11)])
    hours.catch_up(connection, 5, rows=5)
    prune(connection, 0, ledger_before_ns=20 * HOUR * 10**9)
    assert [(0,)] == connection.execute("SELECT count(*) FROM ledger_hours").fetchall()
    assert 0 == hours.summed_to(connection)


@pytest.mark.parametrize("amount", ["1001", "99999999", "1e30"])
def test_a_call_too_dear_for_sums_is_counted_apart(
    writer: StoreWriter, connection: sqlite3.Connection, cost: Make, amount: str
) -> None:
    writer.write([cost(1, total_cost_usd=Decimal(amount)), cost(2, total_cost_usd=Decimal("0.5"))])
    hours.catch_up(connection, 5, rows=2)
    found = connection.execute("SELECT sum(calls), sum(beyond), sum(exact_pico) FROM ledger_hours").fetchone()
    assert (2, 1, 500_000_000_000) == tuple(found)


def test_a_lock_of_another_connection_only_delays(
    path: Path, writer: StoreWriter, connection: sqlite3.Connection, cost: Make
) -> None:
    other = open_for_write(path)
    writer.write([cost(n) for n in range(1, 6)])
    connection.execute("BEGIN IMMEDIATE")
    assert not hours.catch_up(other, 5, rows=2)
    connection.execute("COMMIT")
    assert hours.catch_up(other, 5, rows=2)
    other.close()
    assert 4 == hours.summed_to(connection)


def test_a_ledger_of_before_is_summed_after_its_migration(path: Path) -> None:
    path.parent.mkdir()
    old = sqlite3.connect(path)
    old.execute("CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at TEXT)")
    for migration in (RECORDS, SEARCH):
        old.execute("INSERT INTO migrations VALUES (?, 'then')", (migration.name,))
        for statement in migration.statements():
            old.execute(statement)
    names = [name for name in schema.LEDGER_COLUMNS if name.startswith("tokens_")]
    old.execute(
        f"INSERT INTO ledger (record_id, ts_ns, trace_id, span_id, status, priced, estimated, cost_pico,"
        f" total_cost_usd, {', '.join(names)}) VALUES ('r', 5, 't', 's', 'ok', 1, 0, 7, '7e-12', 1, 1, 0, 0, 0, 2)"
    )
    old.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    old.execute("PRAGMA user_version = 2")
    old.commit()
    old.close()
    connection = open_for_write(path)
    hours.catch_up(connection, 5, rows=1)
    assert [(0, None, None, 1, 7, 2)] == sums(connection, "ledger_hours")
    connection.close()
