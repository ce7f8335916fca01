"""The demo into SQLite and into real Loki and Tempo at once: the same records, spans and dollars everywhere.

`DEMO_SESSIONS` (default 40) and `OUTAGE_SECONDS` (default 3) make it larger. Beyond 50 sessions the oldest lie further
back than Tempo keeps unfinished blocks across a restart (see `demo/run.py`), so the outage takes 40 in any case.
"""

from __future__ import annotations

import json
import os
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alert_sinks import free_ports
from needed_servers import require
from prometheus_client.parser import text_string_to_metric_families

from syndarix_obs.store.database import open_for_read
from syndarix_obs_demo.run import run
from syndarix_obs_stack.launcher import Stack, running_stack
from syndarix_obs_stack.options import Options

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

SESSIONS = int(os.environ.get("DEMO_SESSIONS", "40"))
OUTAGE_SECONDS = float(os.environ.get("OUTAGE_SECONDS", "3"))
SERVERS = ("loki", "tempo")
NOT_SPANS = ("cost", "app")
TEMPO_KEEPS_AFTER_S = 5
"""Tempo acknowledges spans before they are on its disk; what it took in its last seconds it may forget when it ends."""


@pytest.fixture(scope="module")
def stack(make_options: Callable[[dict[str, str], dict[str, str]], Options]) -> Iterator[Stack]:
    """Loki and Tempo from the repository's files."""
    pytest.importorskip("openai")
    pytest.importorskip("anthropic")
    require(*SERVERS)
    with running_stack(make_options({}, {}), only=SERVERS) as stack:
        yield stack


@pytest.fixture
def metrics_port(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> int:
    """Settings of a platform that sends everywhere; its scrape port."""
    port = int(free_ports(1)[0])
    ports = stack.options.ports
    values = {"BACKEND": "both", "LOKI_URL": f"http://127.0.0.1:{ports.loki}", "METRICS_PORT": str(port),
              "OTLP_ENDPOINT": f"http://127.0.0.1:{ports.otlp_http}"}  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(f"SYNDARIX_OBS_{name}", value)
    return port


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def _samples(port: int) -> Counter[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    totals: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            totals[sample.name] += sample.value  # type: ignore[assignment]  # amounts are floats
    return totals


def _stored(path: Path) -> tuple[dict[str, str], Decimal, Counter[str]]:
    """From SQLite: kind by record id, dollars, spans by trace."""
    with closing(open_for_read(path)) as connection:
        rows = connection.execute("SELECT record_id, kind, trace_id FROM records").fetchall()
        ledger = connection.execute("SELECT record_id, total_cost_usd FROM ledger").fetchall()
    kinds = {record_id: kind for record_id, kind, _ in rows} | {record_id: "cost" for record_id, _ in ledger}
    spans = Counter(trace_id for _, kind, trace_id in rows if kind not in NOT_SPANS)
    return kinds, sum((Decimal(cost) for _, cost in ledger if cost is not None), Decimal()), spans


def _lines(port: int) -> dict[str, dict[str, Any]]:
    """From Loki: every line by record id; a session's first line says that it runs, its last how it ended."""
    found: dict[str, dict[str, Any]] = {}
    end = time.time_ns() + 10**9
    start = end - 3 * 3_600 * 10**9
    while True:
        query = {"query": '{service_name="support-desk"}', "limit": 5000, "start": start, "end": end,
                 "direction": "forward"}  # fmt: skip
        answer = _get(f"http://127.0.0.1:{port}/loki/api/v1/query_range?{urllib.parse.urlencode(query)}")
        values = [value for stream in answer["data"]["result"] for value in stream["values"]]
        lines = [json.loads(line) for _, line in sorted(values)]
        found |= {line["record_id"]: line for line in lines}
        if len(values) < 5000:
            return found
        start = max(int(at) for at, _ in values)


def _spans_in_tempo(port: int, trace_id: str) -> int:
    answer = _get(f"http://127.0.0.1:{port}/api/v2/traces/{trace_id}")["trace"]
    scopes = [scope for resource in answer.get("resourceSpans", []) for scope in resource["scopeSpans"]]
    return len({span["spanId"] for scope in scopes for span in scope["spans"]})


def _in_tempo(stack: Stack, wanted: Counter[str]) -> Counter[str]:
    return Counter({trace_id: _spans_in_tempo(stack.options.ports.tempo, trace_id) for trace_id in wanted})


def _compare(stack: Stack, home: Path, counted: Counter[str]) -> None:
    kinds, dollars, spans = _stored(home / "store.sqlite3")
    lines = _lines(stack.options.ports.loki)
    with_lines = {record_id: kind for record_id, kind in kinds.items() if kind != "span"}
    assert Counter(with_lines.values()) == Counter(line["kind"] for line in lines.values())
    assert with_lines.keys() == lines.keys()
    in_loki = sum((Decimal(line["total_cost_usd"]) for line in lines.values() if "total_cost_usd" in line), Decimal())
    assert dollars == in_loki
    assert float(dollars) == pytest.approx(counted["llm_cost_dollars_total"], abs=1e-9)
    by_kind = Counter(kinds.values())
    assert by_kind["llm_call"] == counted["llm_requests_total"]
    assert by_kind["decision"] == counted["agent_decisions_total"]
    assert by_kind["tool_call"] == counted["tool_invocations_total"]
    deadline = time.monotonic() + 60  # a Tempo that was just restarted answers for older traces a little later
    while (found := _in_tempo(stack, spans)) != spans and time.monotonic() < deadline:
        time.sleep(1)
    assert dict(spans) == dict(found)


def test_every_store_has_the_same_records_spans_and_dollars(
    stack: Stack, metrics_port: int, tmp_path: Path
) -> None:
    counted: Counter[str] = Counter()

    def look(done: int, of: int) -> None:
        if done == of:
            counted.update(_samples(metrics_port))

    assert run(tmp_path, SESSIONS, 7, look).saved
    _compare(stack, tmp_path, counted)


def test_an_outage_of_both_servers_in_the_middle_loses_nothing(
    make_options: Callable[[dict[str, str], dict[str, str]], Options], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require(*SERVERS)
    with running_stack(make_options({}, {}), only=SERVERS) as stack:
        port = metrics_port.__wrapped__(stack, monkeypatch)  # type: ignore[attr-defined]  # the fixture's function
        counted: Counter[str] = Counter()

        def disturb(done: int, of: int) -> None:
            if done == of // 3:
                time.sleep(TEMPO_KEEPS_AFTER_S)
                stack.down()
            elif done == 2 * of // 3:
                time.sleep(OUTAGE_SECONDS)
                stack.up(SERVERS)
            elif done == of:
                counted.update(_samples(port))

        run(tmp_path, 40, 8, disturb)
        _compare(stack, tmp_path, counted)
