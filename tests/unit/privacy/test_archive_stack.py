"""Finished days of Loki as archived days: once, with everything a line says, answerable and verified."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from test_export_stack import HOUR, NOW, Held, line, loki

from syndarix_obs_read.archive import from_stack, move
from syndarix_obs_read.archive.known import address_of
from syndarix_obs_read.archive.place import ArchivePlace
from syndarix_obs_read.archive.seals import Seals
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.settings import ReadSettings

__all__ = ["loki"]
DAY = 24 * HOUR
TODAY = NOW // DAY * DAY


def records(settings: ReadSettings) -> tuple[StoredRecord, ...]:
    async def ask() -> tuple[StoredRecord, ...]:
        backend = open_backend(settings.model_copy(update={"backend": "embedded", "with_archive": True}))
        try:
            return (await backend.records(Filter(since_ns=NOW - 9 * DAY), limit=100, payloads=True)).rows
        finally:
            await backend.close()

    return asyncio.run(ask())


@pytest.fixture
def settings(loki: tuple[str, Held], tmp_path: Path) -> ReadSettings:
    url, held = loki
    for number in range(4):  # four days, the last is today
        about: dict[str, Any] = {"attributes": {"a.b": number}, "stream": True, "trace_id": f"{number:032x}"}
        held.append(line(number, TODAY - (3 - number) * DAY, **about))
    held.append(line(9, TODAY - DAY + HOUR, kind="session", session_id="s", span_id="f" * 16, trace_id="9" * 32))
    held.append(line(10, TODAY - DAY + HOUR, kind="cost", total_cost_usd="0.01", priced=True, estimated=False,
                     trace_id="9" * 32))  # fmt: skip
    return ReadSettings(backend="stack", loki_url=url, home=tmp_path / "home", retention_days=6)


def test_finished_days_are_archived_once_and_answer_as_they_were_told(settings: ReadSettings) -> None:
    place = ArchivePlace(address_of(settings, None), settings.home / move.WORK)
    limits = move.Limits(before_ns=TODAY)
    later = TODAY + DAY  # so that no line of yesterday can be late any more
    moved = from_stack.archive(settings, place, limits, now_ns=later)
    assert (3, 5) == (moved.days, moved.written)  # three calls, a session as a record and as a session
    assert 0 == from_stack.archive(settings, place, limits, now_ns=later).written
    assert 3 == len(Seals(settings.home, place).days())
    found = {each.text("record_id"): each for each in records(settings)}
    assert {"r0", "r1", "r2", "r9"} == set(found)
    assert ({"a.b": 2}, True, {"input": "question 2"}, "support") == (
        found["r2"].get("attributes"), found["r2"].get("stream"), dict(found["r2"].payload), found["r2"].get("agent"),
    )  # fmt: skip


def test_a_run_that_was_killed_in_the_middle_of_a_day_writes_nothing_twice(settings: ReadSettings) -> None:
    place = ArchivePlace(address_of(settings, None), settings.home / move.WORK)
    limits = move.Limits(before_ns=TODAY, ledger_before_ns=TODAY)
    assert 6 == from_stack.archive(settings, place, limits, now_ns=TODAY + DAY).written
    (settings.home / move.WORK / "days-of-loki.jsonl").unlink()  # as if it had not come so far
    assert 0 == from_stack.archive(settings, place, limits, now_ns=TODAY + DAY).written
    assert 4 == len(records(settings))


def test_the_command_says_which_days_it_would_take_and_that_loki_keeps_its_lines(
    settings: ReadSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("BACKEND", "stack"), ("HOME", str(settings.home)), ("READ_LOKI_URL", settings.loki_url),
                        ("READ_RETENTION_DAYS", "6")):  # fmt: skip
        monkeypatch.setenv(f"SYNDARIX_OBS_{name}", value)
    assert 0 == run(["archive", "--before", "1d", "--dry-run", "--json"])
    assert 3 <= len(json.loads(capsys.readouterr().out)["days"])
