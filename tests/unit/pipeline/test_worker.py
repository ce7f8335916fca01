"""The worker: starts by itself, survives forks, contains failures, ends in time."""

from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
from contextlib import closing
from pathlib import Path

import pytest

from syndarix_obs import guard
from syndarix_obs.pipeline.destination import BaseDestination
from syndarix_obs.store.location import store_path
from syndarix_obs.testing import recording


class Broken(BaseDestination):
    """A destination that always fails."""

    def consume(self, span: object, records: object) -> None:
        raise OSError("no")


def test_a_broken_destination_does_not_take_the_others_down() -> None:
    with recording(consumers=[Broken()], reraise=False) as kit:
        with kit.obs.tool("x"):
            pass
        assert 1 == len(kit.records("tool_call"))
        assert 1 == guard.failures()["Broken"]
        assert 1 == kit.metric("syndarix_obs_internal_errors_total", site="Broken")


def test_flush_waits_for_what_was_recorded_before() -> None:
    with recording(flush_interval=1.0) as kit:
        for _ in range(1000):
            with kit.obs.tool("x"):
                pass
        assert kit.obs.flush(10)
        assert 1000 == len(kit.capture.records)


def test_flush_without_any_span_is_true_at_once() -> None:
    with recording() as kit:
        assert kit.obs.flush(0.1)


class Stuck(BaseDestination):
    """A destination that hangs until released."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def consume(self, span: object, records: object) -> None:
        pass

    def flush(self, timeout: float) -> bool:
        self.release.wait(30)
        return True


def test_flush_gives_up_when_its_time_is_over() -> None:
    stuck = Stuck()
    with recording(consumers=[stuck], shutdown_timeout=1.0) as kit:
        with kit.obs.tool("x"):
            pass
        assert not kit.obs.flush(0.05)
        stuck.release.set()


def _run(script: str, home: Path) -> subprocess.CompletedProcess[str]:
    code = textwrap.dedent(script)
    env = {**os.environ, "SYNDARIX_OBS_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False
    )


FILE_CONSUMER = """
import json, os, sys
from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.pipeline.destination import BaseDestination

class ToFile(BaseDestination):
    def consume(self, span, records):
        with open(os.environ["SYNDARIX_OBS_HOME"] + "/out", "a") as out:
            for record in records:
                out.write(json.dumps({"pid": os.getpid(), "name": record.name}) + "\\n")

obs = ObservabilityPlatform(Settings(backend="none"), consumers=[ToFile()])
def work(name):
    with obs.tool(name):
        pass
"""


def _lines(home: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (home / "out").read_text().splitlines()]


def test_a_program_that_forgets_to_shut_down_loses_nothing(tmp_path: Path) -> None:
    result = _run(FILE_CONSUMER + "work('last')", tmp_path)
    assert (0, "") == (result.returncode, result.stderr)
    assert ["execute_tool last"] == [line["name"] for line in _lines(tmp_path)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_records_its_own_work_and_not_its_parents(tmp_path: Path) -> None:
    script = FILE_CONSUMER + (
        "work('before')\n"
        "pid = os.fork()\n"
        "work('child' if pid == 0 else 'parent')\n"
        "if pid == 0: sys.exit(0)\n"
        "os.waitpid(pid, 0)\n"
    )
    result = _run(script, tmp_path)
    assert 0 == result.returncode, result.stderr
    assert ["execute_tool before", "execute_tool child", "execute_tool parent"] == sorted(
        str(line["name"]) for line in _lines(tmp_path)
    )
    assert 2 == len({line["pid"] for line in _lines(tmp_path)})


@pytest.mark.parametrize("method", [m for m in ("fork", "spawn") if m in multiprocessing.get_all_start_methods()])
def test_multiprocessing_children_save_their_work(tmp_path: Path, method: str) -> None:
    module = tmp_path / "job.py"
    module.write_text(FILE_CONSUMER)
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import multiprocessing, job\n"
        "if __name__ == '__main__':\n"
        f"    context = multiprocessing.get_context({method!r})\n"
        "    children = [context.Process(target=job.work, args=(f'c{n}',)) for n in range(3)]\n"
        "    [c.start() for c in children]; [c.join() for c in children]\n"
    )
    main = tmp_path / "main.py"
    main.write_text(script)
    env = {**os.environ, "SYNDARIX_OBS_HOME": str(tmp_path)}
    command = [sys.executable, str(main)]
    result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert 0 == result.returncode, result.stderr
    assert [f"execute_tool c{n}" for n in range(3)] == sorted(str(line["name"]) for line in _lines(tmp_path))


def test_random_seed_does_not_repeat_ids() -> None:
    import random

    from syndarix_obs.spans.span import RandomIds

    random.seed(1)
    first = RandomIds().trace_id()
    random.seed(1)
    assert first != RandomIds().trace_id()


def test_a_wall_clock_that_steps_back_does_not_make_durations_negative() -> None:
    from syndarix_obs.spans.span import LightSpan, SpanSource

    readings = iter([2_000_000_000_000, 1_000_000_000_000])
    ended: list[LightSpan] = []
    source = SpanSource(ended.append, clock=lambda: next(readings))
    span = LightSpan(source, "x")
    span.begin()
    span.end()
    assert ended[0].end_ns >= ended[0].start_ns


class Slow(BaseDestination):
    """A destination that takes its time over every span."""

    def __init__(self) -> None:
        self.taken = 0

    def consume(self, span: object, records: object) -> None:
        threading.Event().wait(0.002)
        self.taken += 1


def test_closing_takes_longer_than_allowed_for_as_long_as_the_queue_gets_shorter() -> None:
    slow = Slow()
    with recording(consumers=[slow]) as kit:
        for _ in range(300):
            with kit.obs.tool("x"):
                pass
        assert kit.obs.shutdown(0.05)
    assert 300 == slow.taken


def test_where_no_thread_can_be_started_the_program_goes_on_and_its_end_stores_what_it_recorded(tmp_path: Path) -> None:
    done = _run(
        """
        import threading
        from syndarix_obs import ObservabilityPlatform

        obs = ObservabilityPlatform.from_env()

        def refuse(*_args, **_keywords):
            raise RuntimeError("can't start new thread")

        threading._start_new_thread = threading._start_joinable_thread = refuse
        with obs.tool("one"):
            pass
        with obs.tool("two"):
            pass
        print("went on")
        """,
        tmp_path,
    )
    assert "went on\n" == done.stdout
    assert 1 == done.stderr.count("internal failure in worker.start")
    with closing(sqlite3.connect(store_path(tmp_path))) as connection:
        assert 2 == connection.execute("SELECT count(*) FROM records").fetchone()[0]
