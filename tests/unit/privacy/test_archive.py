"""Finished days move to Parquet and stay what they were: answerable, provable, erasable, and gone after their time."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from canaries import canaries, files_with, needles, say

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.records.model import CostRecord, LLMRecord, LogRecord, Record, SessionRecord
from syndarix_obs.store.database import open_for_read, open_for_write
from syndarix_obs.store.erase import traces_of
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.archive import move
from syndarix_obs_read.archive.known import known_archives
from syndarix_obs_read.archive.place import ArchivePlace
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.errors import BackendError
from syndarix_obs_read.privacy.forget import forget
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.users import pseudonym_of

DAY = 86_400 * 10**9
NOW = 60 * DAY
ADA, BOB = "u_" + "a" * 16, "u_" + "b" * 16


def of_day(day: int, user: str) -> list[Record]:
    """A session with a call, its cost and a line of the log, an hour into a day."""
    who = "ada" if user == ADA else "bob"
    common: dict[str, Any] = {
        "trace_id": f"{day:02x}{ord(who[0]):02x}" * 8, "start_ns": day * DAY + 3_600 * 10**9, "span_id": f"{day:016x}",
        "end_ns": day * DAY + 3_601 * 10**9, "user": user, "session_id": f"chat of {who} {day}", "agent": "support",
    }  # fmt: skip
    said = json.dumps({"said": f"{who} 's wörds of day {day}", "list": [1, None, True]})
    return [
        LLMRecord(record_id=f"l{day}{who}", payload=said, model="m", input_tokens=7, attributes={"a": day}, **common),
        LogRecord(record_id=f"a{day}{who}", payload=said, **common),
        CostRecord(record_id=f"c{day}{who}", priced=True, total_cost_usd=Decimal(f"0.0{day + 1}"), model="m", **common),
        SessionRecord(record_id=f"s{day}{who}", **common),
    ]


def fill(home: Path, days: int = 4) -> ReadSettings:
    with closing(StoreWriter(home / "store.sqlite3")) as writer:
        writer.write([record for day in range(days) for user in (ADA, BOB) for record in of_day(day, user)])
        writer.index(30)
    return ReadSettings(home=home)


@pytest.fixture
def settings(tmp_path: Path) -> ReadSettings:
    return fill(tmp_path / "home")


def run(settings: ReadSettings, limits: move.Limits, address: str = "", **more: Any) -> move.Moved:
    place = ArchivePlace(address or str(settings.home / "archive"), settings.home / move.WORK)
    with closing(open_for_write(settings.store_path)) as connection:
        return move.archive(settings.home, connection, place, limits, **more)


def everything(settings: ReadSettings) -> dict[str, Any]:
    """Answers about all time, as a caller sees them."""

    async def ask() -> dict[str, Any]:
        backend = open_backend(settings)
        try:
            return {
                "records": {
                    (r.text("record_id"), json.dumps(dict(r.data), sort_keys=True), json.dumps(r.payload))
                    for r in (await backend.records(Filter(), limit=1_000, payloads=True)).rows
                },
                "found": len((await backend.records(Filter(text="wörds of day 1"), limit=10, payloads=False)).rows),
                "sessions": {(s.session_id, s.user) for s in (await backend.sessions(Filter(), 100)).rows},
                "costs": await backend.costs(Filter(), ("model",), UTC),
                "trace": len((await backend.trace("0161" * 8, limit=50, payloads=True)).rows),
                "ids": await backend.trace_ids("0161", 5),
            }
        finally:
            await backend.close()

    return asyncio.run(ask())


def count(settings: ReadSettings, table: str) -> int:
    with closing(open_for_read(settings.store_path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_what_is_archived_answers_as_before(settings: ReadSettings) -> None:
    before = everything(settings)
    moved = run(settings, move.Limits(before_ns=3 * DAY, ledger_before_ns=2 * DAY))
    assert (3, 0) == (moved.days, moved.unequal)
    assert moved.written == moved.removed == 3 * 2 * 4 + 2 * 2
    assert (6, 2, 4) == tuple(count(settings, table) for table in ("records", "sessions", "ledger"))
    assert before == everything(settings.model_copy(update={"with_archive": True}))
    assert before != everything(settings)
    assert [] == [fault for seals in known_archives(settings) for fault in seals.faults()]


def test_files_are_zstd_parquet_that_others_read(settings: ReadSettings) -> None:
    run(settings, move.Limits(before_ns=2 * DAY))
    files = sorted((settings.home / "archive" / "records").rglob("*.parquet"))
    assert {"day=1970-01-01", "day=1970-01-02"} == {each.parent.name for each in files}
    assert "ZSTD" == pq.ParquetFile(files[0]).metadata.row_group(0).column(0).compression
    rows = pq.read_table(settings.home / "archive" / "records").to_pylist()
    assert {"l0ada", "l1bob"} <= {row["record_id"] for row in rows}
    assert "ada 's wörds of day 0" == json.loads(next(r for r in rows if r["record_id"] == "l0ada")["payload"])["said"]


def test_the_ledger_and_running_sessions_stay_unless_asked_for(settings: ReadSettings) -> None:
    with closing(open_for_write(settings.store_path)) as connection:
        connection.execute("UPDATE sessions SET ended_ns = NULL, status = 'running' WHERE session_id = 'chat of ada 0'")
    run(settings, move.Limits(before_ns=NOW))
    assert (0, 8, 1) == tuple(count(settings, table) for table in ("records", "ledger", "sessions"))


def test_late_rows_of_an_archived_day_come_beside_the_first(settings: ReadSettings) -> None:
    run(settings, move.Limits(before_ns=2 * DAY))
    late = LogRecord(record_id="late", trace_id="t", span_id="s", start_ns=DAY + 5, end_ns=DAY + 6)
    with closing(StoreWriter(settings.store_path)) as writer:
        writer.write([late])
    assert 1 == run(settings, move.Limits(before_ns=2 * DAY)).written
    found = everything(settings.model_copy(update={"with_archive": True}))["records"]
    assert {"late", "l1ada"} <= {each[0] for each in found}


@pytest.mark.parametrize("address", ["", "memory://erased-archive"])
def test_an_erasure_reaches_the_archive_in_its_bytes(settings: ReadSettings, address: str) -> None:
    run(settings, move.Limits(before_ns=NOW, ledger_before_ns=NOW), address)
    archived = settings.model_copy(update={"with_archive": True})
    costs = everything(archived)["costs"]
    bob = {each for each in everything(archived)["records"] if "bob" in each[0]}
    outcome = forget(settings, ADA)
    assert outcome.complete
    assert 20 == next(p["count"] for p in outcome.receipt["places"] if p["place"] == "archive")
    after = everything(archived)
    assert costs == after["costs"]
    assert bob == {each for each in after["records"] if "bob" in each[0]}
    assert not [each for each in after["records"] if ADA in str(each) or "ada 's" in str(each)]
    assert [] == [fault for seals in known_archives(settings) for fault in seals.faults()]
    assert (settings.home / "archive-work" / "lock").exists()


def test_canaries_in_twelve_encodings_are_in_no_file_of_an_archive_afterwards(tmp_path: Path) -> None:
    home, texts = tmp_path / "home", canaries(20)
    obs = ObservabilityPlatform(Settings(home=home, set_global=False, redaction="off"))
    say(obs, "ada", texts, "chat of ada")
    say(obs, "bob", ["bob's words"], "chat of bob")
    assert obs.flush(60)
    obs.shutdown()
    settings = ReadSettings(home=home)
    later = time.time_ns() + 2 * DAY
    run(settings, move.Limits(before_ns=later, ledger_before_ns=later))
    ada, bob = (pseudonym_of(settings, name) for name in ("ada", "bob"))
    sought = [*needles(texts), ada.encode(), b"chat of ada"]
    files = list((home / "archive").rglob("*.parquet"))
    assert files_with(sought, files)
    assert forget(settings, ada).complete
    left = [path for path in home.rglob("*") if path.is_file() and path.name != "receipts.jsonl"]
    assert {} == files_with(sought, left)
    assert files_with([bob.encode(), b"bob's words"], left)


def test_an_archive_of_before_an_erasure_shows_and_brings_nobody_back(settings: ReadSettings, tmp_path: Path) -> None:
    import shutil

    run(settings, move.Limits(before_ns=NOW))
    shutil.copytree(settings.home / "archive", tmp_path / "old")
    assert forget(settings, ADA).complete
    shutil.rmtree(settings.home / "archive")
    shutil.move(tmp_path / "old", settings.home / "archive")
    assert ADA not in str(everything(settings.model_copy(update={"with_archive": True})))
    assert any("older archive" in fault for seals in known_archives(settings) for fault in seals.faults())


def test_a_changed_file_a_missing_file_and_a_missing_day_are_named(settings: ReadSettings) -> None:
    run(settings, move.Limits(before_ns=3 * DAY))
    folder = settings.home / "archive"
    changed = next((folder / "records" / "day=1970-01-01").glob("*.parquet"))
    changed.write_bytes(changed.read_bytes()[:-1] + b"!")
    next((folder / "records" / "day=1970-01-02").glob("*.parquet")).unlink()
    (folder / "sealed" / "1970-01-03.json").unlink()
    found = list(known_archives(settings)[0].faults())
    assert ["bytes are not those", "file is missing", "day is missing"] == [
        next(words for words in ("bytes are not those", "file is missing", "day is missing") if words in fault)
        for fault in found
    ]
    with pytest.raises(BackendError, match="not what was sealed"):
        everything(settings.model_copy(update={"with_archive": True}))


def test_days_that_are_too_old_for_the_archive_go(settings: ReadSettings) -> None:
    run(settings, move.Limits(before_ns=4 * DAY))
    assert 2 == run(settings, move.Limits(expire_before_ns=2 * DAY)).expired
    assert [2, 3] == known_archives(settings)[0].days()
    assert [] == list(known_archives(settings)[0].faults())


async def test_health_says_which_days_are_archived(settings: ReadSettings) -> None:
    run(settings, move.Limits(before_ns=3 * DAY))
    backend = open_backend(settings)
    finding = next(each.finding for each in await backend.health() if each.name == "archive")
    await backend.close()
    assert finding.startswith("3 days, 1970-01-01 to 1970-01-03")


def test_a_row_that_changed_behind_the_file_stays_in_the_store(settings: ReadSettings) -> None:
    class Meddling(ArchivePlace):
        def put(self, draft: Path, name: str) -> None:
            with closing(sqlite3.connect(settings.store_path)) as other:
                other.execute("UPDATE records SET status = 'error' WHERE record_id = 'l0ada'")
                other.commit()
            super().put(draft, name)

    meddling = Meddling(str(settings.home / "archive"), settings.home / move.WORK)
    with closing(open_for_write(settings.store_path)) as connection:
        moved = move.archive(settings.home, connection, meddling, move.Limits(before_ns=DAY))
        assert 1 == moved.unequal
        assert 1 == connection.execute("SELECT count(*) FROM records WHERE ts_ns < ?", (DAY,)).fetchone()[0]
        assert [] != traces_of(connection, ADA)


KILLED = """
import os, signal, sys
from contextlib import closing
from pathlib import Path
from syndarix_obs.store.database import open_for_write
from syndarix_obs_read.archive import move
from syndarix_obs_read.archive.place import ArchivePlace

home, step = Path(sys.argv[1]), sys.argv[2]

class Dying(ArchivePlace):
    def at(self, here):
        if here == step:
            os.kill(os.getpid(), signal.SIGKILL)
    def put(self, draft, name):
        self.at("write")
        super().put(draft, name)
    def write(self, name, data):
        self.at("seal")
        super().write(name, data)
    def local(self, name):
        self.at("remove")
        return super().local(name)

with closing(open_for_write(home / "store.sqlite3")) as connection:
    place = Dying(str(home / "archive"), home / move.WORK)
    move.archive(home, connection, place, move.Limits(before_ns=3 * 86_400 * 10**9))
"""


@pytest.mark.parametrize("step", ["write", "seal", "remove"])
def test_killed_between_any_two_steps_nothing_is_lost_or_doubled(settings: ReadSettings, step: str) -> None:
    before = everything(settings)
    done = subprocess.run([sys.executable, "-c", KILLED, str(settings.home), step], check=False)
    assert -signal.SIGKILL == done.returncode
    archived = settings.model_copy(update={"with_archive": True})
    assert before == everything(archived)
    run(settings, move.Limits(before_ns=3 * DAY))
    assert before == everything(archived)
    assert 6 == count(settings, "records")
    files = list((settings.home / "archive").rglob("*.parquet"))
    assert sum(pq.ParquetFile(each).metadata.num_rows for each in files) == 3 * 2 * 4
