"""Damaged files: what is found, what is mended, what is said to be lost."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from syndarix_obs.errors import StoreCorrupt, StoreError
from syndarix_obs.records.model import Record, SessionRecord
from syndarix_obs.store.database import open_for_read, open_for_write
from syndarix_obs.store.integrity import check_integrity
from syndarix_obs.store.repair import Repaired, repair
from syndarix_obs.store.writer import StoreWriter

Calls = Callable[[int], list[Record]]


def filled(path: Path, records: list[Record]) -> None:
    writer = StoreWriter(path)
    writer.write(records)
    writer.index(10)
    writer.close()


def damage_index(path: Path, name: str) -> None:
    """Take entries out of an index, as a lost log does: let it be built without some rows."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    sql = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
    connection.execute(f"DROP INDEX {name}")
    connection.execute(f"{sql} WHERE id % 10 <> 0")
    connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql, name))
    connection.close()


def damage_page(path: Path, table: str, which: int) -> None:
    """Overwrite one leaf of a table with 0xff."""
    connection = sqlite3.connect(path)
    page = connection.execute("PRAGMA page_size").fetchone()[0]
    leaves = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path"
    numbers = [row[0] for row in connection.execute(leaves, (table,))]
    connection.close()
    with path.open("r+b") as file:
        file.seek((numbers[which] - 1) * page)
        file.write(b"\xff" * page)


def whole(path: Path) -> bool:
    with contextlib.closing(open_for_read(path)) as reader:
        return not check_integrity(reader).faults


def count(path: Path, table: str) -> int:
    with contextlib.closing(open_for_read(path)) as reader:
        return int(reader.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_a_store_that_is_whole_is_left_as_it_is(path: Path, calls: Calls) -> None:
    filled(path, calls(50))
    before = path.read_bytes()
    assert Repaired("whole") == repair(path)
    assert before == path.read_bytes()


def test_rows_missing_from_an_index_are_found_and_put_back(path: Path, calls: Calls) -> None:
    filled(path, calls(50))
    damage_index(path, "records_by_session")
    found = repair(path)
    assert "indexes" == found.how
    assert "row 10 missing from index records_by_session" in found.faults
    assert whole(path)
    assert 50 == count(path, "records")


@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_page_that_cannot_be_read_costs_its_rows_and_no_more(path: Path, calls: Calls, which: int) -> None:
    filled(path, calls(2_000))
    damage_page(path, "records", which)
    before = path.read_bytes()
    found = repair(path)
    assert "copied" == found.how
    assert found.old_file is not None
    assert before[100:] == found.old_file.read_bytes()[100:]  # the head says that its log was merged
    assert whole(path)
    lost = found.lost["records"]
    assert lost is not None
    assert 0 < lost < 100
    assert 2_000 - lost == count(path, "records") == found.kept["records"]
    assert {"payloads": 0, "ledger": 0} == {name: found.lost[name] for name in ("payloads", "ledger")}
    assert (2_000, 2_000) == (count(path, "payloads"), count(path, "ledger"))


def test_lost_payloads_are_counted_by_their_records(path: Path, calls: Calls) -> None:
    filled(path, calls(2_000))
    damage_page(path, "payloads", 1)
    found = repair(path)
    assert found.lost["payloads"] == 2_000 - count(path, "payloads") > 0
    assert 0 == found.lost["records"]


def test_a_file_that_was_cut_short_keeps_its_beginning(path: Path, calls: Calls) -> None:
    filled(path, calls(2_000))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    with pytest.raises(StoreCorrupt, match=r"cut short.*doctor --repair"):
        open_for_read(path)
    found = repair(path)
    assert "copied" == found.how
    assert 0 < found.kept["records"]
    assert whole(path)
    filled(path, calls(2_000))
    assert 2_000 == count(path, "records")


def test_sessions_are_copied_too(path: Path, calls: Calls) -> None:
    ended = SessionRecord(
        record_id="x", trace_id="x", span_id="x", session_id="x", start_ns=1, end_ns=2, status="ok"
    )  # fmt: skip
    filled(path, [ended, *calls(500)])
    damage_page(path, "ledger", 0)
    found = repair(path)
    assert (1, 0) == (found.kept["sessions"], found.lost["sessions"])
    assert 1 == count(path, "sessions")


def test_a_copy_waits_for_nobody_and_says_who_is_in_the_way(path: Path, calls: Calls) -> None:
    filled(path, calls(500))
    damage_page(path, "records", 0)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("SELECT count(*) FROM ledger").fetchone()
    with pytest.raises(StoreError, match=r"in use.*end the agents"):
        repair(path)
    reader.close()
    assert "copied" == repair(path).how


def test_a_writer_goes_on_in_the_new_file(path: Path, calls: Calls) -> None:
    filled(path, calls(500))
    writer = StoreWriter(path)
    writer._handle.close()
    damage_page(path, "records", 0)
    lost = repair(path).lost["records"]
    assert lost
    writer.write(calls(500))
    writer.close()
    assert 500 == count(path, "records")
    assert whole(path)


@pytest.mark.parametrize("content", [b"my notes " * 2_000, None])
def test_what_is_not_a_store_is_left_alone(path: Path, content: bytes | None) -> None:
    path.parent.mkdir()
    if content is None:
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE bookmarks (url)")
        other.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(StoreCorrupt, match=r"can be saved|not a store"):
        repair(path)
    assert before == path.read_bytes()


def test_repairing_nothing_says_where_to_look(path: Path) -> None:
    with pytest.raises(StoreError, match="SYNDARIX_OBS_HOME"):
        repair(path)


def test_a_check_that_runs_out_of_time_says_how_far_it_came(path: Path, calls: Calls) -> None:
    filled(path, calls(5_000))
    with contextlib.closing(open_for_write(path)) as connection:
        assert ((), "none") == (check_integrity(connection, 0).faults, check_integrity(connection, 0).scope)
        assert "indexes" == check_integrity(connection, 60).scope
