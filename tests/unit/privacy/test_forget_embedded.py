"""A person goes from every place of the embedded backend, in the bytes; everybody else stays as they were."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from canaries import canaries, files_with, needles, say

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.store.database import open_for_read, open_for_write
from syndarix_obs.store.tombstones import Tombstones
from syndarix_obs_read.errors import NotFound
from syndarix_obs_read.privacy.forget import forget
from syndarix_obs_read.privacy.receipts import BrokenChain, Receipts
from syndarix_obs_read.privacy.requests import Requests
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.users import pseudonym_of

SUMS = "SELECT count(*), sum(cost_pico), sum(tokens_total), count(cost_pico) FROM ledger"


def platform(home: Path, **settings: Any) -> ObservabilityPlatform:
    return ObservabilityPlatform(Settings(home=home, set_global=False, redaction="off", **settings))


def record(home: Path, texts: list[str]) -> None:
    """Ada says the texts, Bob something of his own."""
    obs = platform(home)
    say(obs, "ada", texts, "chat of ada")
    say(obs, "bob", ["bob's words", "more of bob"], "chat of bob")
    assert obs.flush(60)
    obs.shutdown()


def settings_of(home: Path) -> ReadSettings:
    return ReadSettings(home=home)


def rows_of_bob(home: Path) -> str:
    """A hash over all of Bob's rows in all tables."""
    connection = open_for_read(home / "store.sqlite3")
    bob = pseudonym_of(settings_of(home), "bob")
    found = [
        [tuple(row) for row in connection.execute(f'SELECT * FROM {table} WHERE "user" = ? ORDER BY 1', (bob,))]
        for table in ("records", "ledger", "sessions")
    ]
    found.append([tuple(row) for row in connection.execute(
        'SELECT p.* FROM payloads p JOIN records r USING (id) WHERE r."user" = ? ORDER BY 1', (bob,)
    )])  # fmt: skip
    connection.close()
    return hashlib.sha256(repr(found).encode()).hexdigest()


def sums(home: Path) -> tuple[Any, ...]:
    connection = open_for_read(home / "store.sqlite3")
    found = tuple(connection.execute(SUMS).fetchone())
    connection.close()
    return found


def everything(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file() and path.name != "receipts.jsonl"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.mark.slow
def test_two_hundred_canaries_in_twelve_encodings_are_in_no_file_afterwards(home: Path) -> None:
    texts = canaries()
    record(home, texts)
    ada = pseudonym_of(settings_of(home), "ada")
    sought = [*needles(texts), ada.encode(), b"chat of ada"]
    bob, money = rows_of_bob(home), sums(home)
    assert files_with(sought, everything(home)), "the canaries were never there"
    outcome = forget(settings_of(home), ada)
    assert outcome.complete, outcome.receipt
    assert {} == files_with(sought, everything(home))
    assert (bob, money) == (rows_of_bob(home), sums(home))


def test_what_was_deleted_before_and_lies_in_free_pages_goes_too(home: Path) -> None:
    texts = canaries(20)
    record(home, texts)
    ada = pseudonym_of(settings_of(home), "ada")
    connection = open_for_write(home / "store.sqlite3")
    connection.execute("DELETE FROM payloads WHERE id IN (SELECT id FROM records LIMIT 30)")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    forget(settings_of(home), ada)
    assert {} == files_with(needles(texts), everything(home))


def test_events_versions_and_costs_stay_without_the_person(home: Path) -> None:
    record(home, canaries(3))
    count = "SELECT kind, count(*), sum(duration_ns), count(model), count(agent) FROM records GROUP BY 1 ORDER BY 1"
    connection = open_for_read(home / "store.sqlite3")
    before = [tuple(row) for row in connection.execute(count)]
    connection.close()
    forget(settings_of(home), pseudonym_of(settings_of(home), "ada"))
    connection = open_for_read(home / "store.sqlite3")
    assert before == [tuple(row) for row in connection.execute(count)]
    connection.execute("SELECT 1 FROM sessions WHERE session_id = 'chat of bob'").fetchone()
    assert [] == connection.execute("SELECT 1 FROM sessions WHERE session_id = 'chat of ada'").fetchall()
    connection.close()


def test_a_restored_backup_erases_itself_when_it_is_opened(home: Path, tmp_path: Path) -> None:
    texts = canaries(10)
    record(home, texts)
    backup = tmp_path / "yesterday.sqlite3"
    source, target = sqlite3.connect(home / "store.sqlite3"), sqlite3.connect(backup)
    source.backup(target)
    source.close()
    target.close()
    forget(settings_of(home), pseudonym_of(settings_of(home), "ada"))
    money, bob = sums(home), rows_of_bob(home)
    for side in ("-wal", "-shm"):
        Path(f"{home}/store.sqlite3{side}").unlink(missing_ok=True)
    shutil.copy(backup, home / "store.sqlite3")
    open_for_read(home / "store.sqlite3").close()
    assert {} == files_with(needles(texts), everything(home))
    assert (money, bob) == (sums(home), rows_of_bob(home))


def test_late_spans_of_the_person_are_counted_and_name_nobody(home: Path) -> None:
    record(home, canaries(1))
    obs = platform(home)
    texts = canaries(5)
    say(obs, "ada", texts[:2], "chat of ada")
    assert obs.flush(60)
    ada = pseudonym_of(settings_of(home), "ada")
    forget(settings_of(home), ada)
    before = sums(home)
    say(obs, "ada", texts[2:], "chat of ada")
    assert obs.flush(60)
    obs.shutdown()
    assert before[0] + 3 == sums(home)[0]
    assert {} == files_with([*needles(texts), ada.encode(), b"chat of ada"], everything(home))


def test_a_session_that_two_users_share_keeps_its_name_for_the_other_one(home: Path) -> None:
    obs = platform(home)
    for user in ("ada", "bob"):
        say(obs, user, [f"words of {user}"], "the open room")
    assert obs.flush(60)
    obs.shutdown()
    outcome = forget(settings_of(home), pseudonym_of(settings_of(home), "ada"))
    assert outcome.complete, outcome.receipt
    with contextlib.closing(open_for_read(home / "store.sqlite3")) as connection:
        left = connection.execute("SELECT \"user\" FROM sessions WHERE session_id = 'the open room'").fetchall()
    assert [pseudonym_of(settings_of(home), "bob")] == [row[0] for row in left]
    assert not files_with([b"words of ada"], everything(home))


def test_a_late_note_of_somebody_else_on_an_erased_session_is_kept_without_its_words(home: Path) -> None:
    texts = canaries(2)
    record(home, texts[:1])
    forget(settings_of(home), pseudonym_of(settings_of(home), "ada"))
    obs = platform(home)
    obs.feedback("down", comment=texts[1], session_id="chat of ada")
    assert obs.flush(60)
    obs.shutdown()
    assert {} == files_with([*needles(texts), b"chat of ada"], everything(home))
    with contextlib.closing(open_for_read(home / "store.sqlite3")) as connection:
        assert 1 == connection.execute("SELECT count(*) FROM records WHERE kind = 'score'").fetchone()[0]


def test_a_lifted_tombstone_lets_the_person_be_recorded_again(home: Path) -> None:
    record(home, canaries(1))
    ada = pseudonym_of(settings_of(home), "ada")
    forget(settings_of(home), ada)
    assert Tombstones(home).lift(ada)
    record(home, canaries(1))
    assert files_with([ada.encode()], [home / "store.sqlite3", home / "store.sqlite3-wal"])


def test_a_copy_beside_the_store_is_erased_and_a_broken_one_deleted(home: Path) -> None:
    texts = canaries(5)
    record(home, texts)
    source, target = sqlite3.connect(home / "store.sqlite3"), sqlite3.connect(home / "store.sqlite3.bak")
    source.backup(target)
    source.close()
    target.close()
    (home / "store.sqlite3.damaged-1").write_bytes(b"torn" + needles(texts)[0] + b"u_" + pseudonym_of(
        settings_of(home), "ada").encode())  # fmt: skip
    outcome = forget(settings_of(home), pseudonym_of(settings_of(home), "ada"))
    assert outcome.complete, outcome.receipt
    assert {} == files_with(needles(texts), everything(home))
    assert not (home / "store.sqlite3.damaged-1").exists()


def test_a_stranger_file_that_holds_the_person_is_named_and_keeps_the_request_open(home: Path) -> None:
    record(home, canaries(1))
    ada = pseudonym_of(settings_of(home), "ada")
    (home / "agent.log").write_text(f"hello {ada}")
    outcome = forget(settings_of(home), ada)
    assert not outcome.complete
    left = next(place for place in outcome.receipt["places"] if place["place"] == "other files")
    assert "agent.log" in left["not_gone"]
    assert 1 == len(Requests(home).open())
    (home / "agent.log").unlink()
    assert forget(settings_of(home), ada).complete
    assert [] == Requests(home).open()


def test_a_user_that_nobody_recorded_is_said_to_be_unknown(home: Path) -> None:
    record(home, canaries(1))
    with pytest.raises(NotFound, match="syndarix-obs names user"):
        forget(settings_of(home), pseudonym_of(settings_of(home), "eve"))
    assert not Tombstones(home)


def test_two_erasures_at_once_share_one_run(home: Path) -> None:
    record(home, canaries(30))
    ada = pseudonym_of(settings_of(home), "ada")
    outcomes: list[Any] = []
    begun = threading.Event()
    first = threading.Thread(
        target=lambda: outcomes.append(forget(settings_of(home), ada, tell=lambda *_: begun.set()))
    )
    first.start()
    assert begun.wait(30)
    outcomes.append(forget(settings_of(home), ada))
    first.join()
    assert 1 == len(Receipts(home).read())
    assert [False, True] == sorted(each.shared for each in outcomes)


EVERY = 1 if os.environ.get("SYNDARIX_OBS_EVERY_CASE") else 7
"""Every seventh step, unless all are wanted. Read at import: the fixtures take such names out of the environment."""

KILLED = """
import os, signal, sys
from pathlib import Path
import getpass, json, syndarix_obs_read.privacy.requests
from syndarix_obs_read.privacy.forget import forget
from syndarix_obs_read.settings import ReadSettings
STEPS = ("os.rename", "open", "os.remove", "sqlite3.connect", "subprocess.Popen")
def erase(home, pseudonym, left):
    def step(event, args):
        nonlocal left
        if event not in STEPS or event == "open" and "erased" not in str(args[0]):
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    settings = ReadSettings(home=Path(home))
    sys.addaudithook(step)
    forget(settings, pseudonym)
for line in sys.stdin:
    home, pseudonym, left = line.split()
    child = os.fork()
    if child == 0:
        erase(home, pseudonym, int(left))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Imports once, then erases in a child for each line, which is killed before its step of that number."""


@pytest.mark.slow
def test_killed_between_any_two_steps_it_ends_erased(home: Path, tmp_path: Path) -> None:
    texts = canaries(2)
    record(home, texts)
    ada = pseudonym_of(settings_of(home), "ada")
    sought, bob, money = [*needles(texts), ada.encode()], rows_of_bob(home), sums(home)
    killed = 0
    pipe = subprocess.PIPE
    program = subprocess.Popen([sys.executable, "-c", KILLED], stdin=pipe, stdout=pipe, text=True)  # ends with stdin
    assert program.stdin
    assert program.stdout
    for steps in range(1, 400, EVERY):
        copy = tmp_path / f"copy-{steps}"
        shutil.copytree(home, copy)
        print(copy, ada, steps, file=program.stdin, flush=True)
        if (ended := int(program.stdout.readline())) == 0:
            break
        assert -9 == ended
        killed += 1
        with contextlib.suppress(NotFound):  # killed after the last step: nothing was left to do
            forget(settings_of(copy), ada)
        assert {} == files_with(sought, everything(copy)), f"killed at step {steps}"
        assert (bob, money) == (rows_of_bob(copy), sums(copy))
        assert Receipts(copy).verify() >= 1
        shutil.rmtree(copy)
    program.stdin.close()
    assert 0 == program.wait(30)
    assert killed > 15 // EVERY


def test_a_changed_receipt_does_not_verify(home: Path) -> None:
    record(home, canaries(1))
    for user in ("ada", "bob"):
        forget(settings_of(home), pseudonym_of(settings_of(home), user))
    receipts = Receipts(home)
    assert 2 == receipts.verify()
    whole = receipts.path.read_text()
    lines = [json.loads(line) for line in whole.splitlines()]
    lines[0]["places"][1]["count"] += 1
    receipts.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(BrokenChain, match="receipt 1"):
        receipts.verify()
    receipts.path.write_text(whole.splitlines()[1] + "\n")
    with pytest.raises(BrokenChain):
        receipts.verify()
