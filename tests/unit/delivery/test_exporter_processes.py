"""Whole processes: killed, forked, ending while a destination hangs, on a disk that is full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from exporter_samples import NOW_NS, record
from scripted_sink import Answer, Ledger, ScriptedSink, until

from syndarix_obs.delivery.sender import Delivery
from syndarix_obs.delivery.spool import Spool
from syndarix_obs.delivery.spooled import Post
from syndarix_obs.destinations.loki import LokiDestination, LokiEmitter
from syndarix_obs.destinations.loki_push import encode_line

PRELUDE = """
import sys, os, time, threading
from pathlib import Path
from exporter_samples import record, span
from scripted_sink import Ledger
from syndarix_obs.delivery.disk_budget import DiskBudget
from syndarix_obs.destinations.loki import LokiDestination
from syndarix_obs.destinations.tempo import TempoDestination
from syndarix_obs.destinations.zipkin import ZipkinDestination
from syndarix_obs.delivery.spooled import Post
from syndarix_obs.records.resource import Resource
url, folder = sys.argv[1], Path(sys.argv[2])
health = Ledger()
post = Post(folder, DiskBudget(1 << 28), health, timeout=30.0)
"""


@pytest.fixture
def run(tmp_path: Path, sink: ScriptedSink) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts a program with the sink's URL and the spool's folder."""
    started: list[subprocess.Popen[str]] = []
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here.parents[1] / "support"), str(here.parents[2] / "instrumentation")])

    def start(program: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", PRELUDE + textwrap.dedent(program), sink.url, str(tmp_path / "spool")],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env={**os.environ, "PYTHONPATH": paths},
            )
        )  # fmt: skip
        return started[-1]

    yield start
    sink.release.set()
    for process in started:
        process.kill()
        process.communicate()


def test_what_a_killed_process_left_is_sent_by_the_next_one(
    run: Callable[[str], subprocess.Popen[str]], sink: ScriptedSink, post: Post
) -> None:
    sink.policy = lambda _request: Answer(503)
    killed = run(
        """
        loki = LokiDestination(url, post)
        for number in range(500):
            loki.consume(None, [record(number)])
            if number % 50 == 49:
                loki.tick()
        print("written", flush=True)
        threading.Event().wait(60)
        """
    )
    assert killed.stdout is not None
    assert "written\n" == killed.stdout.readline()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    sink.policy = lambda _request: Answer()
    heir = LokiDestination(sink.url, post)
    heir.consume(None, [record(500)])
    heir.tick()
    until(lambda: len(sink.record_ids) == 501)
    assert Counter({f"r{number}": 1 for number in range(501)}) == sink.record_ids
    order = [int(found[1:]) for request in sink.taken for found in request.record_ids]
    assert list(range(501)) == order
    heir.close(2)
    assert [] == list((post.folder / "loki").iterdir())


@pytest.mark.parametrize("server", ["hangs", "refuses"])
def test_a_process_ends_in_time_whatever_its_destinations_do_and_loses_nothing(
    run: Callable[[str], subprocess.Popen[str]], sink: ScriptedSink, tmp_path: Path, server: str
) -> None:
    if server == "hangs":
        sink.policy = lambda _request: Answer(hang=True)
    else:
        sink.stop()
    process = run(
        """
        resource = Resource("shop", "test")
        exporters = [
            TempoDestination(url, post, resource),
            LokiDestination(url, post),
            ZipkinDestination(url + "/api/v2/spans", post, resource),
            TempoDestination(url.removeprefix("http://"), post, resource, protocol="grpc", name="otlp_extra"),
        ]
        for number in range(200):
            for exporter in exporters:
                exporter.consume(span(number), [record(number)])
        started = time.monotonic()
        deadline = started + 4.0
        for exporter in exporters:
            exporter.flush(max(0.0, deadline - time.monotonic()))
        for exporter in exporters:
            exporter.close(max(0.1, deadline - time.monotonic()))
        print(time.monotonic() - started, dict(health.drops), flush=True)
        """
    )
    out, err = process.communicate(timeout=40)
    assert 0 == process.returncode, err
    seconds, drops = out.split(" ", 1)
    assert "{}\n" == drops
    assert float(seconds) < 5.0
    assert 4 == len(list((tmp_path / "spool").rglob("*.seg1")))


def test_a_forked_child_sends_its_own_records_and_not_its_parents(
    loki: Callable[[], LokiDestination], sink: ScriptedSink
) -> None:
    exporter = loki()
    exporter.consume(None, [record(0)])
    exporter.tick()
    assert exporter.flush(10)
    exporter.consume(None, [record(1)])  # buffered: the parent's
    child = os.fork()
    if child == 0:
        exporter.consume(None, [record(2)])
        exporter.close(10)
        os._exit(0)
    assert 0 == os.waitpid(child, 0)[1]
    exporter.tick()
    until(lambda: len(sink.record_ids) == 3)
    assert Counter({"r0": 1, "r1": 1, "r2": 1}) == sink.record_ids


def test_a_full_disk_costs_no_record_while_memory_lasts(
    run: Callable[[str], subprocess.Popen[str]], sink: ScriptedSink
) -> None:
    sink.policy = lambda _request: Answer(503)
    process = run(
        """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
        loki = LokiDestination(url, post)
        for number in range(300):
            loki.consume(None, [record(number)])
            loki.tick()
        print("full", loki.spool.safe, flush=True)
        sys.stdin.readline()
        while loki.spool.waiting_bytes:
            time.sleep(0.01)
        loki.close(5)
        print(dict(health.drops), flush=True)
        """
    )
    assert process.stdout is not None
    assert "full False\n" == process.stdout.readline()
    sink.policy = lambda _request: Answer()
    out, err = process.communicate(timeout=40)
    assert "{}\n" == out, err
    assert Counter({f"r{number}": 1 for number in range(300)}) == sink.record_ids


def test_where_no_thread_can_be_started_flush_sends_by_itself(post: Post, sink: ScriptedSink, health: Ledger) -> None:
    emitter = LokiEmitter(sink.url)
    spool = Spool(post.folder / "loki", "loki", post.budget, health, emitter.shorten)
    delivery = Delivery(spool, emitter, health, thread=_Unstartable)
    spool.append(encode_line('{"record_id":"r0"}', None, b'{kind="app"}', b"", NOW_NS))
    spool.commit()
    assert delivery.flush(10)
    assert Counter({"r0": 1}) == sink.record_ids
    delivery.close(1)
    assert [] == list((post.folder / "loki").iterdir())


class _Unstartable(threading.Thread):
    """What a thread is while the interpreter ends."""

    def start(self) -> None:
        raise RuntimeError("can't start new thread at interpreter shutdown")


def test_platforms_in_one_process_share_a_folder_without_touching_each_other(
    post: Post, sink: ScriptedSink, health: Ledger
) -> None:
    first, second = LokiDestination(sink.url, post), LokiDestination(sink.url, post)
    for number in range(100):
        (first if number % 2 else second).consume(None, [record(number)])
    assert first.flush(10)
    assert second.flush(10)
    assert Counter({f"r{number}": 1 for number in range(100)}) == sink.record_ids
    first.close(2)
    second.close(2)


def test_closing_twice_and_using_it_afterwards_does_no_harm(post: Post, sink: ScriptedSink, health: Ledger) -> None:
    exporter = LokiDestination(sink.url, post)
    exporter.close(5)
    exporter.close(5)
    exporter.consume(None, [record(0)])
    exporter.tick()
    assert {"shutdown": 1} == health.drops


def test_a_clock_that_steps_back_does_not_delay_delivery(
    loki: Callable[[], LokiDestination], sink: ScriptedSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    sink.script.append(Answer(503))
    exporter = loki()
    exporter.consume(None, [record(0)])
    exporter.tick()
    until(lambda: len(sink.requests) == 1)
    monkeypatch.setattr("time.time", lambda: real() - 86_400)
    monkeypatch.setattr("time.time_ns", lambda: int((real() - 86_400) * 1e9))
    exporter.consume(None, [record(1)])
    exporter.tick()
    until(lambda: len(sink.record_ids) == 2)
