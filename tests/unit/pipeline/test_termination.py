"""A process that is told to end by a signal saves what it recorded, and ends as it would have without us."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from syndarix_obs.store.location import store_path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

PRELUDE = """
import multiprocessing, os, signal, sys, threading, time
from syndarix_obs import ObservabilityPlatform
obs = ObservabilityPlatform.from_env()
def call(name):
    with obs.tool(name):
        pass
def ready():
    print("ready", flush=True)
    while True:
        time.sleep(0.05)
"""

Run = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Starts a program with a home of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, **settings: str) -> subprocess.Popen[str]:
        env = {**os.environ, "SYNDARIX_OBS_HOME": str(tmp_path), **settings}
        command = [sys.executable, "-c", PRELUDE + textwrap.dedent(program)]
        started.append(
            subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    """Send a signal once it is ready; its exit code."""
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    process.send_signal(number)
    return process.wait(30)


def stored(home: Path) -> int:
    """How many records are in the store."""
    path = store_path(home)
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM records").fetchone()[0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_right_after_a_call_loses_nothing(run: Run, tmp_path: Path, number: int) -> None:
    assert -number == end(run("for n in range(500): call(f't{n}')\nready()"), number)
    assert 500 == stored(tmp_path)


def test_a_pool_as_a_context_manager_keeps_what_its_processes_recorded(run: Run, tmp_path: Path) -> None:
    process = run(
        """
        context = multiprocessing.get_context("fork")
        with context.Pool(2) as pool:
            pool.map(call, [f"t{n}" for n in range(20)])
        """
    )
    assert 0 == process.wait(30)
    assert 20 == stored(tmp_path)


def test_a_program_that_recorded_nothing_ends_at_once(run: Run, tmp_path: Path) -> None:
    assert -signal.SIGTERM == end(run("ready()"))
    assert not store_path(tmp_path).exists()


def test_a_handler_of_the_programs_own_is_kept(run: Run, tmp_path: Path) -> None:
    program = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\ncall('one')\nready()"
    assert 7 == end(run(program))
    assert 1 == stored(tmp_path)


def test_a_signal_that_is_ignored_stays_ignored(run: Run) -> None:
    process = run("print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)", PYTHONSTARTUP="")
    assert ("False\n", "") == process.communicate(timeout=30)
    command = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    process = run(command + "obs2 = ObservabilityPlatform.from_env()\nos.kill(os.getpid(), signal.SIGHUP)\nprint('on')")
    assert 0 == process.wait(30)


def test_the_signals_are_left_alone_when_the_setting_says_so(run: Run) -> None:
    process = run("print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)", SYNDARIX_OBS_SAVE_ON_SIGNALS="false")
    assert ("True\n", "") == process.communicate(timeout=30)


def test_a_lock_that_the_interrupted_code_holds_does_not_cost_the_records(run: Run, tmp_path: Path) -> None:
    program = """
        call("one")
        with obs._runtime.worker._busy:
            print("ready", flush=True)
            for _ in range(10):
                time.sleep(0.1)
        time.sleep(30)
        """
    assert -signal.SIGTERM == end(run(program))
    assert 1 == stored(tmp_path)
