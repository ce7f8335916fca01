"""Sixty days in a real Loki: its own retention by class keeps to the chunk, `prune` by class and project to the line.

Days are simulated by old times. Each day becomes chunks of its own, as a running Loki makes them. The index comes to
the storage by a restart: it is cut at quarters of an hour otherwise.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from short_servers import short_servers

from syndarix_obs import vocabulary as v
from syndarix_obs.delivery.frames import parse
from syndarix_obs.destinations.loki import LokiEmitter
from syndarix_obs.destinations.loki_push import encode_line, labels_text, metadata_fields
from syndarix_obs.records import model as r
from syndarix_obs.store.classes import loki_streams, rules
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.privacy.scan import layers, scan
from syndarix_obs_stack.launcher import Stack

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]
HOUR_NS = 3_600 * 10**9
DAY_NS, HALF_AN_HOUR_NS = 24 * HOUR_NS, HOUR_NS // 2
DAYS = {"payloads": 7, "decisions": 20, "logs": 14, "records": 30, "ledger": 50, "acme.payloads": 3, "acme.ledger": 10}
KEPT = {"other": {"cost": 50, "rest": 7}, "acme": {"cost": 10, "rest": 3}}
"""Days that each project's lines are kept: a line holds record and payload, so the stricter counts."""
KINDS: tuple[type[r.Record], ...] = (r.LLMRecord, r.DecisionRecord, r.LogRecord, r.CostRecord)


@cache
def now_ns() -> int:
    """When the test began: what is half an hour from its end must still be so when it ends."""
    return time.time_ns()


def name_of(kind: str, project: str, age: str) -> str:
    return f"kept-{kind}-{project}-{age}."  # the end tells 1 from 12


def record(kind: type[r.Record], project: str, age: str, ago_ns: int) -> r.Record:
    at = now_ns() - ago_ns
    more: dict[str, Any] = {} if kind is r.CostRecord else {"payload": '{"said":"a word"}'}
    return kind(record_id=name_of(kind.kind, project, age), trace_id="t", span_id="s", start_ns=at, end_ns=at,
                project=project, service="agent", environment="test", **more)  # fmt: skip


def push(url: str, records: Sequence[r.Record]) -> None:
    frames = [
        parse(encode_line(each.line(payload=False), each.payload, labels_text(
            (each.service, each.environment, each.kind, each.level)), metadata_fields({"project": str(each.project)}),
            each.end_ns)).frames[0]
        for each in records
    ]  # fmt: skip
    outcome = LokiEmitter(url).send(frames, 10)
    assert "DELIVERED" == outcome.kind.name, outcome


def until(condition: Callable[[], Any], seconds: float, pause_s: float = 0.05) -> Any:
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        pause.wait(pause_s)
    return found


def chunks(loki: Stack) -> list[Path]:
    folder = loki.options.data / "loki" / "chunks" / "fake"
    return [path for path in folder.rglob("*") if path.is_file()]


def restart(loki: Stack) -> None:
    loki.down()
    loki.up(["loki"])


def told(url: str) -> set[str]:
    """Names of all records that Loki answers with."""
    names: set[str] = set()
    for kind in (*(each.kind for each in KINDS), v.KIND_TOOL_CALL, v.KIND_MEMORY):
        params = {"query": f'{{kind="{kind}"}}', "limit": "5000", "start": str(now_ns() - 61 * DAY_NS),
                  "end": str(now_ns() + HOUR_NS)}  # fmt: skip
        found = httpx.get(f"{url}/loki/api/v1/query_range", params=params).json()["data"]["result"]
        names |= {json.loads(value[1])["record_id"] for stream in found for value in stream["values"]}
    return names


def held(loki: Stack) -> set[str]:
    """Names of all records in the bytes of Loki's chunks."""
    found = (re.findall(rb"kept-[\w-]+[.]", layer) for path in chunks(loki) for layer in layers(path.read_bytes()))
    return {name.decode() for names in found for name in names}


def wanted(kept: dict[str, dict[str, int]]) -> set[str]:
    return {
        name_of(kind.kind, project, str(age)) for project in kept for kind in KINDS
        for age in range(kept[project]["cost" if kind is r.CostRecord else "rest"])
    }  # fmt: skip


EDGES = {
    (r.ToolRecord, "acme", 3): (name_of("tool_call", "acme", "younger"), name_of("tool_call", "acme", "older")),
    (r.MemoryRecord, "other", 7): (name_of("memory", "other", "younger"), name_of("memory", "other", "older")),
}
"""Two lines of one chunk each, half an hour this side and that side of the days of their project."""


@pytest.fixture(scope="module")
def loki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if shutil.which("loki") is None:
        pytest.skip("loki is not on the PATH")
    streams = yaml.safe_dump({"retention_stream": loki_streams(rules(DAYS))}, sort_keys=False)
    limits = "".join(f"  {line}\n" for line in streams.splitlines())
    with short_servers(tmp_path_factory.mktemp("retention"), ["loki"], days=60, loki_limits=limits) as stack:
        yield stack


def fill(loki: Stack, url: str) -> None:
    pushed = 0
    for age in range(59, -1, -1):
        push(url, [record(kind, project, str(age), age * DAY_NS + HOUR_NS) for kind in KINDS for project in KEPT])
        pushed += len(KINDS)
        for (kind, project, days) in EDGES:
            if age == days:
                push(url, [record(kind, project, name, days * DAY_NS + sign * HALF_AN_HOUR_NS)
                           for name, sign in (("older", 1), ("younger", -1))])  # fmt: skip
                pushed += 1
        httpx.post(f"{url}/flush")
        until(lambda at_least=pushed: len(chunks(loki)) >= at_least, 30)  # type: ignore[misc]
    assert pushed == len(chunks(loki)), "a day is not in chunks of its own"


def test_sixty_days_leave_the_days_of_each_class_to_the_chunk_and_after_prune_to_the_line(
    loki: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{loki.options.ports.loki}"
    fill(loki, url)
    every = wanted({project: {"cost": 60, "rest": 60} for project in KEPT})
    # Else lines come out of the log once more, as a second chunk that spans all days.
    log = [loki.options.data / "loki" / "wal"]
    until(lambda: not scan(log, [name.encode() for name in every]).hits, 120, 2)
    restart(loki)
    general = dict.fromkeys(KEPT, KEPT["other"])
    edges = {name for pair in EDGES.values() for name in pair}
    stays = wanted(general) | edges
    folder = [loki.options.data / "loki" / "chunks" / "fake"]
    until(lambda: not scan(folder, [name.encode() for name in every - stays]).hits, 240, 5)
    restart(loki)  # its caches show what is gone for some minutes
    assert stays == told(url)  # the older line of each pair, too: its chunk has a younger one

    for name, value in (("BACKEND", "stack"), ("HOME", str(tmp_path)), ("READ_LOKI_URL", url),
                        ("READ_RETENTION_DAYS", "61")):  # fmt: skip
        monkeypatch.setenv(f"SYNDARIX_OBS_{name}", value)
    assert 0 == run(["prune", "--keep", json.dumps(DAYS), "--yes"])
    exact = wanted(KEPT) | {younger for younger, _ in EDGES.values()}
    until(lambda: not scan(folder, [name.encode() for name in stays - exact]).hits, 240, 5)
    assert exact == held(loki)
