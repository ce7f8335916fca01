"""`archive`, `audit` and `export` as commands: what they say, to people and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_archive import fill

from syndarix_obs_read.cli.run import run

BEFORE = "1970-01-04"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fill(tmp_path / "home")
    monkeypatch.setenv("SYNDARIX_OBS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert status == run(list(arguments))
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    return json.loads(said(capsys, *arguments, "--json", status=status))


def test_archive_says_what_it_would_move_moves_it_and_lists_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing is archived" in said(capsys, "archive")
    assert "18 records, 6 sessions, 0 ledger" in said(capsys, "archive", "--before", BEFORE, "--dry-run")
    moved = told(capsys, "archive", "--before", BEFORE, "--yes")
    assert (24, 24, 3) == (moved["written"], moved["removed"], moved["days"])
    days = told(capsys, "archive")
    assert [("1970-01-01", 6), ("1970-01-02", 6), ("1970-01-03", 6)] == [(d["day"], d["records"]) for d in days]
    assert "1970-01-02" in said(capsys, "archive")
    assert "every file is what was sealed" in said(capsys, "archive", "--verify")


def test_answers_of_commands_look_at_archived_days_when_asked(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["archive", "--before", BEFORE, "--yes"])
    capsys.readouterr()
    asked = ("sessions", "--since", "1970-01-01")
    assert 2 == len(told(capsys, *asked)["sessions"])
    assert 8 == len(told(capsys, *asked, "--archive")["sessions"])
    assert [] == list((home / "archive-work").glob("open-*"))


def test_verify_fails_and_names_what_was_changed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["archive", "--before", BEFORE, "--yes"])
    next((home / "archive").rglob("*.parquet")).unlink()
    capsys.readouterr()
    assert "file is missing" in told(capsys, "archive", "--verify", status=1)["faults"][0]


def test_days_older_than_the_setting_leave_the_archive(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_READ_ARCHIVE_DAYS", "400")
    assert "3 days of the archive were too old" in said(capsys, "archive", "--before", BEFORE, "--yes")


def test_the_audit_trail_lists_what_was_exported_and_archived(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["archive", "--before", BEFORE, "--yes"])
    run(["export", "--to", str(tmp_path / "out"), "--since", "1970-01-01", "--what", "ledger"])
    capsys.readouterr()
    found = told(capsys, "audit")
    assert ["export", "archive"] == [each["action"] for each in found["entries"]]
    assert "whole" == found["chain"]
    assert "8 ledger as jsonl" in said(capsys, "audit")
