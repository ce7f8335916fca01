"""The exporter's thread: commits in time, outlives locks and full disks, counts what it gives up."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from syndarix_obs import guard
from syndarix_obs import vocabulary as v
from syndarix_obs.destinations.sqlite import EmbeddedDestination
from syndarix_obs.errors import StoreCorrupt, StoreTooNew
from syndarix_obs.records.model import LLMRecord, Record, SessionRecord
from syndarix_obs.store import search
from syndarix_obs.store.database import open_for_read, open_for_write
from syndarix_obs.store.retention import prune

Make = Callable[..., EmbeddedDestination]
Llm = Callable[..., LLMRecord]
LONG = 20.0


@pytest.fixture
def dropped() -> Counter[str]:
    return Counter()


@pytest.fixture
def make(path: Path, dropped: Counter[str]) -> Iterator[Make]:
    exporters: list[EmbeddedDestination] = []

    def build(**options: Any) -> EmbeddedDestination:
        def on_drop(reason: str, count: int) -> None:
            dropped[reason] += count

        exporters.append(EmbeddedDestination(path, on_drop=on_drop, **{"commit_interval_s": 0.01, **options}))
        return exporters[-1]

    yield build
    for exporter in exporters:
        exporter.close(LONG)


def rows(path: Path, statement: str = "SELECT trace_id FROM records ORDER BY id") -> list[tuple[Any, ...]]:
    connection = open_for_read(path)
    found = [tuple(row) for row in connection.execute(statement)]
    connection.close()
    return found


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that a thread does; fails after a while."""
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def lock(path: Path) -> sqlite3.Connection:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_records_are_committed_without_being_asked(
    path: Path, make: Make, calls: Callable[[int], list[Record]]
) -> None:
    open_for_write(path).close()
    make().consume(None, calls(3))
    until(lambda: len(rows(path)) == 3)


def test_flush_commits_at_once(path: Path, make: Make, llm: Llm) -> None:
    exporter = make(commit_interval_s=3600)
    exporter.consume(None, [llm(1)])
    assert exporter.flush(LONG)
    assert [("t1",)] == rows(path)


def test_close_commits_what_waits_and_is_harmless_twice(path: Path, make: Make, llm: Llm) -> None:
    exporter = make(commit_interval_s=3600)
    exporter.consume(None, [llm(number) for number in range(1200)])
    exporter.close(LONG)
    exporter.close(LONG)
    assert [(1200,)] == rows(path, "SELECT count(*) FROM records")


def test_an_exporter_without_records_makes_no_file(path: Path, make: Make) -> None:
    exporter = make()
    exporter.tick()
    assert exporter.flush(LONG)
    exporter.close(LONG)
    assert not path.parent.exists()


def test_what_comes_after_close_is_counted(make: Make, llm: Llm, dropped: Counter[str]) -> None:
    exporter = make()
    exporter.consume(None, [llm(1)])
    exporter.close(LONG)
    exporter.consume(None, [llm(2)])
    assert {"shutdown": 1} == dropped


def test_a_session_is_visible_while_it_runs(path: Path, make: Make) -> None:
    exporter = make()
    exporter.session_started(
        SessionRecord(record_id="t:s", trace_id="t", span_id="s", session_id="one", status=v.STATUS_RUNNING)
    )
    exporter.flush(LONG)
    assert [("one", "running")] == rows(path, "SELECT session_id, status FROM sessions")


def test_a_lock_of_another_process_only_delays(path: Path, make: Make, llm: Llm, dropped: Counter[str]) -> None:
    exporter = make()
    exporter.consume(None, [llm(1)])
    exporter.flush(LONG)
    other = lock(path)
    exporter.consume(None, [llm(2)])
    assert not exporter.flush(1.2)
    other.execute("ROLLBACK")
    other.close()
    assert exporter.flush(LONG)
    assert [("t1",), ("t2",)] == rows(path)
    assert {} == dropped


def test_records_that_a_lock_kept_from_the_store_until_the_end_are_stored_by_the_next_process(
    path: Path, make: Make, llm: Llm, dropped: Counter[str]
) -> None:
    exporter = make()
    exporter.consume(None, [llm(1)])
    exporter.flush(LONG)
    other = lock(path)
    exporter.consume(None, [llm(2), llm(3)])
    exporter.close(0.3)
    left = list(path.parent.rglob("*.records"))
    assert [0o600] == [each.stat().st_mode & 0o777 for each in left]
    other.close()
    heir = make()
    heir.consume(None, [llm(4)])
    heir.close(LONG)
    assert {} == dropped
    assert [("t1",), ("t2",), ("t3",), ("t4",)] == sorted(rows(path, "SELECT trace_id FROM records"))
    assert [] == list(path.parent.rglob("*.unstored"))


def test_what_cannot_even_be_left_beside_the_store_is_counted(
    path: Path, make: Make, llm: Llm, dropped: Counter[str]
) -> None:
    exporter = make()
    exporter.consume(None, [llm(1)])
    exporter.flush(LONG)
    other = lock(path)
    path.with_name(f"{path.name}.unstored").write_text("in the way")
    exporter.consume(None, [llm(2), llm(3)])
    exporter.close(0.3)
    assert {"shutdown": 2} == dropped
    other.close()


def test_memory_is_bounded_payloads_go_before_records(path: Path, make: Make, llm: Llm, dropped: Counter[str]) -> None:
    open_for_write(path).close()
    other = lock(path)
    exporter = make(max_records=4, max_bytes=5100)
    exporter.consume(None, [llm(number, payload='"' + "x" * 1500 + '"') for number in range(1, 8)])
    other.execute("ROLLBACK")
    other.close()
    assert exporter.flush(LONG)
    assert {"payload_queue_full": 2, "queue_full": 3} == dropped
    found = rows(path, "SELECT trace_id, bytes FROM records r LEFT JOIN payloads p ON p.id = r.id ORDER BY r.id")
    assert [("t1", 1502), ("t2", 1502), ("t3", None), ("t4", None)] == found


def test_a_full_disk_is_counted_and_writing_goes_on_once_there_is_room(
    path: Path, make: Make, llm: Llm, dropped: Counter[str]
) -> None:
    failures: list[int] = []
    exporter = make(max_store_bytes=600_000, max_records=100, on_failure=lambda: failures.append(1))
    exporter.consume(None, [llm(number, payload='"' + "x" * 3000 + '"') for number in range(1, 60)])
    assert exporter.flush(LONG)
    exporter.consume(None, [llm(number, payload='"' + "x" * 3000 + '"') for number in range(60, 140)])
    until(lambda: len(failures) > 0)
    exporter.consume(None, [llm(number) for number in range(140, 220)])
    assert {"disk_full": 60} == dropped
    connection = open_for_write(path)
    prune(connection, 2**62)
    connection.close()
    assert exporter.flush(LONG)
    assert [(100, 60)] == rows(path, "SELECT count(*), min(ts_ns) / 1000000000 FROM records")


@pytest.mark.parametrize("content", [b"not a database " * 100, b"SQLite format 3\x00" + b"\xff" * 9000])
def test_a_file_that_is_no_store_is_refused_at_construction(path: Path, make: Make, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StoreCorrupt):
        make()
    assert content == path.read_bytes()


def test_a_newer_store_is_refused_at_construction(path: Path, make: Make) -> None:
    connection = open_for_write(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreTooNew):
        make()


def test_a_store_that_is_spoilt_later_is_left_alone_and_records_are_counted(
    path: Path, make: Make, llm: Llm, dropped: Counter[str]
) -> None:
    exporter = make()
    path.parent.mkdir()
    path.write_bytes(b"not a database " * 100)
    exporter.consume(None, [llm(1), llm(2)])
    assert exporter.flush(LONG)
    exporter.consume(None, [llm(3)])
    assert {"rejected": 3} == dropped
    assert b"not a database " * 100 == path.read_bytes()
    assert {"embedded.store": 1} == guard.failures()


def test_pages_that_turn_out_damaged_while_writing_end_the_writing(
    path: Path, make: Make, llm: Llm, dropped: Counter[str]
) -> None:
    exporter = make()
    exporter.consume(None, [llm(1)])
    exporter.flush(LONG)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'records'").fetchone()[0]
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = 'records_by_trace'", (page,))
    connection.commit()
    connection.execute("UPDATE meta SET value = 0")
    connection.execute("PRAGMA schema_version = 4711")
    connection.commit()
    connection.close()
    exporter.consume(None, [llm(2)])
    assert exporter.flush(LONG)
    assert {"rejected": 1} == dropped


def test_a_store_that_is_deleted_while_in_use_is_made_anew(path: Path, make: Make, llm: Llm) -> None:
    exporter = make()
    exporter.consume(None, [llm(1)])
    exporter.flush(LONG)
    for file in path.parent.iterdir():
        file.unlink()
    exporter.consume(None, [llm(2)])
    assert exporter.flush(LONG)
    assert [("t2",)] == rows(path)


def test_a_folder_that_cannot_be_used_yet_is_tried_again(path: Path, make: Make, llm: Llm) -> None:
    exporter = make()
    path.parent.touch()  # a file where the folder should be
    exporter.consume(None, [llm(1)])
    until(lambda: guard.failures().get("embedded.store", 0) > 0)
    path.parent.unlink()
    assert exporter.flush(LONG)
    assert [("t1",)] == rows(path)


def test_records_that_cannot_be_stored_are_counted(path: Path, make: Make, llm: Llm, dropped: Counter[str]) -> None:
    exporter = make()
    exporter.consume(None, [llm(1), llm(2, name=None)])
    exporter.flush(LONG)
    assert {"rejected": 1} == dropped
    assert [("t1",)] == rows(path)


class OddRecord(LLMRecord):
    """A record whose code fails."""

    __slots__ = ()

    @property
    def level(self) -> str:
        raise RuntimeError("odd")


def test_a_record_whose_code_fails_does_not_take_its_neighbours_down(
    path: Path, make: Make, llm: Llm, dropped: Counter[str]
) -> None:
    exporter = make()
    exporter.consume(None, [llm(1), OddRecord(record_id="x", trace_id="x", span_id="x"), llm(2)])
    assert exporter.flush(LONG)
    assert [("t1",), ("t2",)] == rows(path)
    assert {"rejected": 1} == dropped


def test_the_text_index_is_brought_up_to_date_when_nothing_comes_in(path: Path, make: Make, llm: Llm) -> None:
    exporter = make(index_after_s=0.01)
    exporter.consume(None, [llm(number) for number in range(400)])
    exporter.flush(LONG)
    connection = open_for_read(path)
    until(lambda: search.indexed_to(connection) == 400)
    connection.close()


def test_indexing_can_be_left_to_readers(path: Path, make: Make, llm: Llm) -> None:
    exporter = make(index_after_s=None)
    exporter.consume(None, [llm(1)])
    exporter.close(LONG)
    connection = open_for_read(path)
    assert 0 == search.indexed_to(connection)
    connection.close()


def test_a_forked_child_and_its_parent_write_their_own_records(path: Path, make: Make, llm: Llm) -> None:
    exporter = make(commit_interval_s=3600)
    exporter.consume(None, [llm(1)])
    exporter.flush(LONG)
    exporter.consume(None, [llm(2)])
    child = os.fork()
    if child == 0:
        exporter.consume(None, [llm(3)])
        done = exporter.flush(LONG)
        exporter.close(LONG)
        os._exit(0 if done else 1)
    _, status = os.waitpid(child, 0)
    assert 0 == os.waitstatus_to_exitcode(status)
    exporter.consume(None, [llm(4)])
    assert exporter.flush(LONG)
    assert [("t1",), ("t2",), ("t3",), ("t4",)] == sorted(rows(path))
