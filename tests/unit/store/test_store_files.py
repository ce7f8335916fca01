"""Opening files: ours, foreign, damaged, newer, missing."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from syndarix_obs.errors import StoreCorrupt, StoreError, StoreTooNew
from syndarix_obs.records.model import Record
from syndarix_obs.store.database import open_for_read, open_for_write
from syndarix_obs.store.writer import StoreWriter

Open = Callable[[Path], sqlite3.Connection]
BOTH = pytest.mark.parametrize("open_store", [open_for_read, open_for_write])


def filled(path: Path, records: list[Record]) -> None:
    writer = StoreWriter(path)
    writer.write(records)
    writer.close()


def assert_refused(path: Path, open_store: Open, error: type[StoreError], says: str) -> None:
    """The file is refused with the words, and neither it nor its folder changes."""
    before = path.read_bytes()
    files = sorted(os.listdir(path.parent))
    with pytest.raises(error, match=says):
        open_store(path)
    assert before == path.read_bytes()
    assert files == sorted(os.listdir(path.parent))


@BOTH
def test_a_file_that_is_not_sqlite_is_left_alone(tmp_path: Path, open_store: Open) -> None:
    path = tmp_path / "records.sqlite"
    path.write_bytes(b"these are my notes, not a database. " * 300)
    assert_refused(path, open_store, StoreCorrupt, "not an SQLite file; the file was not changed")


@BOTH
def test_the_database_of_another_program_is_left_alone(tmp_path: Path, open_store: Open) -> None:
    path = tmp_path / "records.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url)")
    other.commit()
    other.close()
    assert_refused(path, open_store, StoreCorrupt, "another program")


@BOTH
def test_a_store_that_was_cut_short_is_left_alone(
    path: Path, open_store: Open, calls: Callable[[int], list[Record]]
) -> None:
    filled(path, calls(50))
    path.write_bytes(path.read_bytes()[:-9000])
    assert_refused(path, open_store, StoreCorrupt, "cut short")


@BOTH
def test_a_store_with_overwritten_pages_is_left_alone(
    path: Path, open_store: Open, calls: Callable[[int], list[Record]]
) -> None:
    filled(path, calls(50))
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    assert_refused(path, open_store, StoreCorrupt, "malformed")


@BOTH
def test_a_store_of_a_newer_version_is_left_alone(path: Path, open_store: Open) -> None:
    open_for_write(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert_refused(path, open_store, StoreTooNew, "schema 99.*upgrade syndarix-obs")


def test_a_newer_version_that_stands_in_the_log_alone_is_noticed(path: Path) -> None:
    newer = open_for_write(path)
    newer.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreTooNew, match="schema 99"):
        open_for_write(path)
    with pytest.raises(StoreTooNew, match="schema 99"):
        open_for_read(path)
    newer.close()


def test_reading_a_store_that_does_not_exist_says_how_to_fill_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="syndarix-obs demo"):
        open_for_read(tmp_path / "nothing.sqlite")
    assert [] == os.listdir(tmp_path)


def test_an_empty_file_becomes_a_store(path: Path, calls: Callable[[int], list[Record]]) -> None:
    path.parent.mkdir()
    path.touch()
    filled(path, calls(1))
    connection = open_for_read(path)
    count = connection.execute("SELECT count(*) FROM records").fetchone()[0]
    connection.close()
    assert 1 == count


def test_folders_and_file_are_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "records.sqlite"
    open_for_write(path).close()
    assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)
    assert 0o700 == stat.S_IMODE(path.parent.parent.stat().st_mode)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


@BOTH
def test_a_path_that_cannot_be_opened_is_a_store_error(tmp_path: Path, open_store: Open) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError):
        open_store(tmp_path / "file" / "records.sqlite")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError):
        open_store(tmp_path / "folder")


def test_a_reader_sees_committed_rows_while_a_writer_is_at_work(
    path: Path, calls: Callable[[int], list[Record]]
) -> None:
    filled(path, calls(3))
    writer = open_for_write(path)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM records")
    reader = open_for_read(path)
    count = reader.execute("SELECT count(*) FROM records").fetchone()[0]
    reader.close()
    writer.execute("ROLLBACK")
    writer.close()
    assert 3 == count


def test_a_reader_cannot_write(path: Path, calls: Callable[[int], list[Record]]) -> None:
    filled(path, calls(1))
    reader = open_for_read(path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM records")
    reader.close()


def test_many_threads_may_open_a_new_store_at_once(path: Path) -> None:
    failures: list[BaseException] = []

    def open_it() -> None:
        try:
            open_for_write(path).close()
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == failures
