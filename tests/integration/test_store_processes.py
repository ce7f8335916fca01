"""Many processes on one store, and processes that die at work."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from syndarix_obs.destinations.sqlite import EmbeddedDestination
from syndarix_obs.identity import Identity
from syndarix_obs.records.model import CostRecord, LLMRecord
from syndarix_obs.store.database import open_for_read
from syndarix_obs.store.writer import StoreWriter

SPAWN = multiprocessing.get_context("spawn")
WAIT_S = 120


def call(process: int, number: int, start_ns: int = 1) -> list[LLMRecord | CostRecord]:
    """One LLM call: its record and its line of the ledger."""
    trace, span = f"{process:016x}{number // 10:016x}", f"{process:04x}{number:012x}"
    values: dict[str, Any] = {"trace_id": trace, "span_id": span, "start_ns": start_ns, "end_ns": start_ns + 1}
    payload = '{"input":"' + "what was said " * 40 + '"}'
    return [
        LLMRecord(record_id=f"{trace}:{span}", **values, agent="support", payload=payload),
        CostRecord(record_id=f"{trace}:{span}:cost", **values, tokens_total=15),
    ]


def store_spans(path: Path, process: int, count: int) -> None:
    """What one agent does; it sends every hundredth call twice."""
    dropped: list[int] = []
    exporter = EmbeddedDestination(path, on_drop=lambda _reason, n: dropped.append(n))
    for number in range(count):
        exporter.consume(None, call(process, number))
        if number % 100 == 0:
            exporter.consume(None, call(process, number))
    stored = exporter.flush(WAIT_S)
    exporter.close(WAIT_S)
    raise SystemExit(0 if stored and not dropped else 1)


def store_for_ever(path: Path, ready: Connection) -> None:
    """Store calls, each named after the time at which it was made, until killed."""
    exporter = EmbeddedDestination(path, on_drop=lambda _reason, _n: None)
    number = 0
    while True:
        exporter.consume(None, call(9, number, time.time_ns()))
        number += 1
        if number == 200:
            ready.send("at work")
        time.sleep(0.0005)


def tell_pseudonym(home: Path, answer: Connection) -> None:
    answer.send(Identity(home).pseudonym("u-42"))


def test_four_processes_store_twenty_thousand_spans_and_none_twice(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    agents = [SPAWN.Process(target=store_spans, args=(path, process, 5000)) for process in range(4)]
    for agent in agents:
        agent.start()
    for agent in agents:
        agent.join(WAIT_S)
    assert [0, 0, 0, 0] == [agent.exitcode for agent in agents]
    reader = open_for_read(path)
    for table in ("records", "ledger"):
        found = reader.execute(f"SELECT count(*), count(DISTINCT record_id) FROM {table}").fetchone()
        assert (20_000, 20_000) == tuple(found)
    assert 20_000 == reader.execute("SELECT count(*) FROM payloads").fetchone()[0]
    assert "ok" == reader.execute("PRAGMA integrity_check").fetchone()[0]
    reader.close()


def test_a_killed_process_loses_at_most_its_last_second_and_the_store_opens_clean(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    for _ in range(3):
        ours, theirs = SPAWN.Pipe()
        agent = SPAWN.Process(target=store_for_ever, args=(path, theirs))
        agent.start()
        assert ours.poll(WAIT_S)
        time.sleep(random.uniform(0.3, 1.0))  # the random moment is the point
        killed_at = time.time_ns()
        agent.kill()
        agent.join(WAIT_S)
        assert -signal.SIGKILL == agent.exitcode
        reader = open_for_read(path)
        last = reader.execute("SELECT max(ts_ns) FROM records").fetchone()[0]
        assert "ok" == reader.execute("PRAGMA integrity_check").fetchone()[0]
        reader.close()
        assert killed_at - last < 1_000_000_000
    writer = StoreWriter(path)
    assert 2 == writer.write(call(1, 1))
    writer.close()


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    pipes = [SPAWN.Pipe() for _ in range(4)]
    processes = [SPAWN.Process(target=tell_pseudonym, args=(tmp_path / "home", theirs)) for _, theirs in pipes]
    for process in processes:
        process.start()
    answers = {ours.recv() for ours, _ in pipes if ours.poll(WAIT_S)}
    for process in processes:
        process.join(WAIT_S)
    assert 1 == len(answers)
    assert [0, 0, 0, 0] == [process.exitcode for process in processes]
