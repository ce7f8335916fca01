"""One erasure over every place that a machine without servers has, each filled by the part that it belongs to."""

from __future__ import annotations

import hashlib
import itertools
import logging
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from canaries import canaries, files_with, needles, say

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.store.database import open_for_read
from syndarix_obs_read import views
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.privacy.forget import Outcome, forget
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.users import identity, pseudonym_of

pytestmark = pytest.mark.slow
DAY_NS = 86_400 * 10**9
NOWHERE = "http://127.0.0.1:9"
TEXTS = canaries()
FILES = ("run.html", "run.md", "run.json", "replay.json")
"""Single files that commands write, beside the home folder."""
EXPORTS = ("jsonl", "csv", "parquet", "otlp")


def platform(home: Path, ago_ns: int = 0, **settings: Any) -> ObservabilityPlatform:
    """A platform whose records are as old as that."""
    ticks = itertools.count(time.time_ns() - ago_ns, 1_000_000)
    return ObservabilityPlatform(
        Settings(home=home, set_global=False, redaction="off", **settings), clock=lambda: next(ticks)
    )


def record(home: Path) -> None:
    """Two people, the day before yesterday and today; notes, budgets, log lines; servers that never answer."""
    old = platform(home, 2 * DAY_NS)
    say(old, "ada", TEXTS[:100], "chat of ada, old")
    say(old, "bob", ["bob's old words"], "chat of bob, old")
    assert old.flush(60)
    old.shutdown()
    obs = platform(home, 0, backend="both", loki_url=NOWHERE, otlp_endpoint=NOWHERE, send_timeout=0.2,
                   shutdown_timeout=0.5, preview_chars=240)  # fmt: skip
    obs.budget("each", usd=1000, by=["user"], per="day")
    obs.budget("run", calls=100_000, per="run")
    obs.budget("hers", usd=1000, user="ada", per="month")
    handler, log = obs.capture_logs("everywhere"), logging.getLogger("everywhere")
    say(obs, "ada", TEXTS[100:], "chat of ada")
    say(obs, "bob", ["bob's words", "more of bob"], "chat of bob")
    with obs.session(agent="support", user="ada", session_id="chat of ada"):
        log.warning("she said %s", TEXTS[0])
        obs.annotate(TEXTS[1], label="seen")
        obs.score("helpful", 0.5, explanation=TEXTS[2])
        obs.feedback("down", comment=TEXTS[3])
    obs.annotate(TEXTS[4], session_id="chat of ada")
    obs.feedback("up", comment=TEXTS[5], session_id="chat of ada")
    obs.flush(60)
    log.removeHandler(handler)
    obs.shutdown()
    index = identity(ReadSettings(home=home))
    index.pseudonym("ada")
    index.flush()


def copies(home: Path, outside: Path) -> None:
    """What people make of it: reports, conversions, exports, a replay, views, a backup, an archive."""
    for name in FILES[:2]:
        assert 0 == run(["report", "--session", "chat of ada", "-o", str(outside / name)])
    assert 0 == run(["convert", "chat of ada", "--to", "perfetto", "-o", str(outside / FILES[2])])
    run(["replay", "chat of ada", "--export", str(outside / FILES[3])])
    for form in EXPORTS:
        assert 0 == run(["export", "--format", form, "--since", "7d", "--to", str(outside / form)])
    assert 0 == run(["export", "--person", "ada", "--to", str(outside / "person")])
    assert 0 == run(["export", "--share", "--since", "7d", "--to", str(outside / "shared")])
    for name, query in (("hers", "session=chat%20of%20ada"), ("asked", "user=ada"), ("bob's", "user=bob")):
        views.keep(home, views.View(name=name, page="sessions", query=query))
    with closing(sqlite3.connect(home / "store.sqlite3")) as store, closing(
        sqlite3.connect(home / "store.sqlite3.bak")
    ) as copy:
        store.backup(copy)
    assert 0 == run(["archive", "--before", "1d", "--yes", "--ledger-before", "1d"])
    assert list((home / "archive").rglob("*.parquet"))


def of_bob(home: Path) -> str:
    """A hash over Bob's rows of today."""
    bob = pseudonym_of(ReadSettings(home=home), "bob")
    with closing(open_for_read(home / "store.sqlite3")) as store:
        rows = [
            [tuple(row) for row in store.execute(f'SELECT * FROM {table} WHERE "user" = ? ORDER BY 1', (bob,))]
            for table in ("records", "ledger", "sessions")
        ]
    assert all(rows)
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def dollars(home: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What `costs` says with the archive: sums by agent and project, and how many calls."""
    capsys.readouterr()
    assert 0 == run(["costs", "--by", "agent", "--by", "project", "--since", "7d", "--archive", "--json"])
    return capsys.readouterr().out.partition('"groups"')[2]


def everything(*folders: Path) -> list[Path]:
    return [
        path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != "receipts.jsonl"
    ]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The home folder, and the folder beside it that people wrote to."""
    folder = tmp_path_factory.mktemp("everywhere")
    home, outside = folder / "home", folder / "outside"
    outside.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNDARIX_OBS_HOME", str(home))
        record(home)
        copies(home, outside)
    return home, outside


def test_two_hundred_canaries_are_in_no_byte_of_any_place_afterwards(
    filled: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home, outside = filled
    monkeypatch.setenv("SYNDARIX_OBS_HOME", str(home))
    log = outside / "agent.log"
    settings = ReadSettings(home=home, other_files=str(log))
    ada = pseudonym_of(settings, "ada")
    log.write_text(f"{ada} said {TEXTS[7]}\n")
    sought = [*needles(TEXTS), ada.encode(), b"chat of ada", b"chat%20of%20ada"]
    before = files_with(sought, everything(home, outside))
    held = (*FILES, *(f"/{form}/" for form in EXPORTS), "/person/", "/shared/", "/views.json", "/guard.sqlite3",
            "/archive/", "/spool/", "/store.sqlite3.bak", "/users.sqlite", "/agent.log")  # fmt: skip
    assert [] == [each for each in held if not any(each in path for path in before)], "she was never there"
    bob, money = of_bob(home), dollars(home, capsys)

    outcome = forget(settings, ada)
    assert not outcome.complete, "a log file that names her stays until somebody deletes it"
    left = [each for each in outcome.receipt["places"] if not each["gone"]]
    assert ["other files"] == [each["place"] for each in left], left
    assert [("other files", True)] == [
        (each["place"], str(log) in each["not_gone"]) for each in outcome.receipt["places"] if not each["gone"]
    ]
    log.unlink()
    done: Outcome = forget(settings, ada)
    assert done.complete, done.receipt
    assert {} == files_with(sought, everything(home, outside))
    assert (bob, money) == (of_bob(home), dollars(home, capsys))
    assert ["bob's"] == [each.name for each in views.read(home)]
    assert 0 == run(["archive", "--verify"])
    assert 0 == run(["forget", "--status"])
