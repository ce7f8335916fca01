"""Letting records go by age and by user."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syndarix_obs import vocabulary as v
from syndarix_obs.records.model import LLMRecord, Record, SessionRecord
from syndarix_obs.store import search
from syndarix_obs.store.database import open_for_write
from syndarix_obs.store.erase import Erased, erase_person, scrub
from syndarix_obs.store.retention import Removed, prune
from syndarix_obs.store.writer import StoreWriter

SECOND = 1_000_000_000


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    found = open_for_write(path)
    yield found
    found.close()


def count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def session(number: int, status: str = v.STATUS_OK, user: str = "u_1") -> SessionRecord:
    return SessionRecord(
        record_id=f"x{number}", trace_id=f"x{number}", span_id=f"x{number}", session_id=f"x{number}", user=user,
        start_ns=number * SECOND, end_ns=number * SECOND, status=status,
    )  # fmt: skip


def test_old_records_go_with_payloads_and_index_entries_and_the_ledger_stays(
    writer: StoreWriter, connection: sqlite3.Connection, calls: Callable[[int], list[Record]]
) -> None:
    writer.write(calls(500))
    writer.index(5)
    assert Removed(records=300) == prune(connection, 301 * SECOND)
    assert (200, 200, 500) == tuple(count(connection, table) for table in ("records", "payloads", "ledger"))
    assert 200 == len(search.find(connection, "my order", limit=1000))
    connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")


def test_the_ledger_has_its_own_age(
    writer: StoreWriter, connection: sqlite3.Connection, calls: Callable[[int], list[Record]]
) -> None:
    writer.write(calls(10))
    assert Removed(records=0, ledger=4) == prune(connection, 0, ledger_before_ns=5 * SECOND)


def test_ended_sessions_go_and_running_ones_stay(writer: StoreWriter, connection: sqlite3.Connection) -> None:
    writer.write([session(1), session(2, v.STATUS_RUNNING), session(9)])
    assert Removed(records=1, sessions=1) == prune(connection, 5 * SECOND)
    assert [("x2",), ("x9",)] == connection.execute("SELECT session_id FROM sessions ORDER BY 1").fetchall()


def test_nothing_of_a_forgotten_user_is_left_in_the_files(
    path: Path, writer: StoreWriter, connection: sqlite3.Connection, llm: Callable[..., LLMRecord],
    cost: Callable[..., Record],
) -> None:  # fmt: skip
    secret = '{"input":"my name is Rumpelstiltskin"}'
    for number in range(1, 30):
        writer.write([llm(number, user="u_gone", payload=secret), cost(number, user="u_gone")])
    writer.write([llm(40, user="u_stays"), cost(40, user="u_stays"), session(41, user="u_gone")])
    writer.index(5)
    assert Erased(records=30, ledger=29, sessions=1) == erase_person(connection, "u_gone")
    assert scrub(connection)
    connection.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab('main', 'search', 'row')")
    assert [] == connection.execute("SELECT * FROM temp.terms WHERE term = 'lts'").fetchall()
    writer.close()
    connection.close()
    everything = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert 0 == everything.count(b"u_gone")
    assert 0 == everything.count(b"Rumpelstiltskin")
    assert 0 < everything.count(b"u_stays")


def test_forgetting_a_user_keeps_the_sums(
    writer: StoreWriter, connection: sqlite3.Connection, calls: Callable[[int], list[Record]]
) -> None:
    writer.write(calls(10))
    query = "SELECT sum(cost_pico), sum(tokens_total), count(*) FROM ledger"
    before = connection.execute(query).fetchall()
    erase_person(connection, "u_1")
    assert before == connection.execute(query).fetchall()
    assert (10, 0) == (count(connection, "records"), count(connection, "payloads"))
    columns = 'count("user"), count(session_id) FILTER (WHERE session_id <> trace_id), sum(cost_usd IS NOT NULL)'
    assert (0, 0, 10) == tuple(connection.execute(f"SELECT {columns} FROM records").fetchone())


def test_records_that_come_after_an_erasure_are_indexed_and_found(
    writer: StoreWriter, connection: sqlite3.Connection, calls: Callable[[int], list[Record]],
    llm: Callable[..., LLMRecord],
) -> None:  # fmt: skip
    writer.write(calls(20))
    writer.index(5)
    erase_person(connection, "u_1")
    writer.write([llm(50, payload='"a new tale"')])
    for _ in ("not indexed", "indexed"):
        assert ["t50"] == [row[0] for row in search.find(connection, "new tale", columns="r.trace_id")]
        writer.index(5)
    assert [] == search.find(connection, "my order")
