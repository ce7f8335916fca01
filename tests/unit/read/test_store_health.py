"""What `health` and `doctor` say about the file itself, and readers whose file or log is taken away."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import read_scene as scene

from syndarix_obs.records import model as r
from syndarix_obs.store.location import store_path
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.cli.run import run

WRITE_ONE = """
import sys
from syndarix_obs.records.model import LLMRecord
from syndarix_obs.store.writer import StoreWriter
writer = StoreWriter(sys.argv[1])
writer.write([LLMRecord(record_id="late", trace_id="late", span_id="late", start_ns=1, end_ns=2)])
writer.close()
"""


def damaged(path: Path, index: str) -> None:
    """A store whose index misses rows."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    sql = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (index,)).fetchone()[0]
    connection.execute(f"DROP INDEX {index}")
    connection.execute(f"{sql} WHERE id % 3 <> 0")
    connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql, index))
    connection.close()


async def test_health_finds_an_index_that_misses_rows(tmp_path: Path) -> None:
    scene.write(store_path(tmp_path), *scene.refund())
    damaged(store_path(tmp_path), "records_by_trace")
    backend = EmbeddedBackend(store_path(tmp_path))
    check = next(each for each in await backend.health() if each.name == "integrity")
    await backend.close()
    assert "failing" == check.state
    assert "missing from index records_by_trace" in check.finding
    assert "doctor --repair" in (check.mend or "")


async def test_health_says_when_the_file_was_too_large_to_be_checked(tmp_path: Path) -> None:
    scene.write(store_path(tmp_path), *(scene.make(r.ToolRecord, f"t{n}", f"s{n}", None, n) for n in range(4_000)))
    backend = EmbeddedBackend(store_path(tmp_path), check_s=-1)
    check = next(each for each in await backend.health() if each.name == "integrity")
    await backend.close()
    assert "ok" == check.state
    assert "not checked in full" in check.finding
    assert "doctor --repair" in (check.mend or "")


async def test_a_reader_goes_on_after_its_log_was_deleted_and_made_anew(tmp_path: Path) -> None:
    path = store_path(tmp_path)
    scene.write(path, *scene.refund())
    backend = EmbeddedBackend(path)
    before = len((await backend.records(Filter(), limit=1_000, payloads=False)).rows)
    for suffix in ("-wal", "-shm"):  # as if this process had dropped its locks: another one merges and deletes
        os.unlink(f"{path}{suffix}")
    writer = subprocess.run([sys.executable, "-c", WRITE_ONE, str(path)], check=False, capture_output=True, text=True)
    assert ("", 0) == (writer.stderr, writer.returncode)
    after = len((await backend.records(Filter(), limit=1_000, payloads=False)).rows)
    await backend.close()
    assert before + 1 == after


async def test_a_question_of_a_reader_whose_file_was_replaced_is_answered_from_the_new_one(tmp_path: Path) -> None:
    path = store_path(tmp_path)
    scene.write(path, *scene.refund())
    backend = EmbeddedBackend(path)
    assert (await backend.records(Filter(), limit=1_000, payloads=False)).rows
    for suffix in ("", "-wal", "-shm"):
        os.rename(f"{path}{suffix}", f"{path}.old{suffix}")
    subprocess.run([sys.executable, "-c", WRITE_ONE, str(path)], check=True)
    assert ["late"] == [row.text("trace_id") for row in (await backend.records(Filter(), limit=9, payloads=False)).rows]
    await backend.close()


def test_doctor_finds_what_is_damaged_and_repair_mends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write(store_path(tmp_path), *scene.refund())
    damaged(store_path(tmp_path), "records_by_trace")
    assert 1 == run(["doctor", "--home", str(tmp_path)])
    assert "doctor --repair" in capsys.readouterr().out
    assert 0 == run(["doctor", "--repair", "--home", str(tmp_path)])
    assert "The indexes were rebuilt. Nothing was lost." in capsys.readouterr().out
    assert 0 == run(["health", "--home", str(tmp_path)])
    assert "every page and index is whole" in " ".join(capsys.readouterr().out.split())
    assert 0 == run(["doctor", "--repair", "--json", "--home", str(tmp_path)])
    assert "whole" == json.loads(capsys.readouterr().out)["how"]


def test_repairing_what_is_not_there_is_an_error_with_the_next_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 != run(["doctor", "--repair", "--home", str(tmp_path)])
    assert "no store at" in capsys.readouterr().err
