"""Loki and Tempo from the committed files: limits, rules, deletion, retention, loopback."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alert_sinks import HOST, Receiver, poll
from needed_servers import require

from syndarix_obs_stack import rules
from syndarix_obs_stack.launcher import Stack, running_stack
from syndarix_obs_stack.options import Options
from syndarix_obs_stack.problems import StackError
from syndarix_obs_stack.servers import SERVERS

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

LABELS = {"service_name": "test", "environment": "test", "kind": "app", "level": "info"}
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def _trace_queries_of_alerts() -> set[str]:
    root = Path(__file__).parents[3]
    files = [*(root / "prometheus" / "rules").glob("*.yml"), *(root / "loki" / "rules" / "fake").glob("*.yml")]
    queries = (rule.body.get("annotations", {}).get("traceql") for rule in rules.read(files))
    return {re.sub(r"\{\{.*?\}\}", "x", query) for query in queries if query}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Where Alertmanager sends what Loki's ruler finds."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def stack(make_options: Callable[[dict[str, str], dict[str, str]], Options], receiver: Receiver) -> Iterator[Stack]:
    """Loki, Tempo and Alertmanager, keeping data for 7 days."""
    names = ("alertmanager", "loki", "tempo")
    require(*names)
    environment = {"RETENTION_DAYS": "7", "ALERT_WEBHOOK_URL": f"http://{receiver.address}/alerts"}
    with running_stack(make_options(environment, {}), only=names) as stack:
        yield stack


def _call(port: int, method: str, path: str, body: object = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _push(stack: Stack, line: str, **labels: str) -> int:
    values = [[str(time.time_ns()), line, {"trace_id": TRACE_ID, "agent": "support"}]]
    body = {"streams": [{"stream": LABELS | labels, "values": values}]}
    return _call(stack.options.ports.loki, "POST", "/loki/api/v1/push", body)[0]


def _lines(stack: Stack, query: str) -> list[str] | None:
    path = f"/loki/api/v1/query_range?limit=10&query={urllib.parse.quote(query)}"
    status, body = _call(stack.options.ports.loki, "GET", path)
    assert status == 200, body
    return [line for stream in json.loads(body)["data"]["result"] for _, line, *_ in stream["values"]] or None


def test_a_line_of_two_megabytes_arrives_whole(stack: Stack) -> None:
    line = json.dumps({"kind": "app", "input": "x" * 2_000_000})
    assert _push(stack, line, service_name="large") == 204
    assert poll(lambda: _lines(stack, '{service_name="large"}'), 10) == [line]


def test_three_such_lines_in_one_push_and_one_answer_pass_every_limit(stack: Stack) -> None:
    now = time.time_ns()
    values = [[str(now + n), str(n) * 2_000_000] for n in range(3)]
    body = {"streams": [{"stream": LABELS | {"service_name": "three"}, "values": values}]}
    assert _call(stack.options.ports.loki, "POST", "/loki/api/v1/push", body)[0] == 204
    found = poll(lambda: _lines(stack, '{service_name="three"}'), 10)
    assert sorted(line for _, line in values) == sorted(found or [])


def test_a_line_that_came_again_is_shown_once_though_a_metric_may_count_it_twice(stack: Stack) -> None:
    begin = time.time_ns() - 60 * 10**9
    first = [[str(begin + n), f"{n} " + "x" * 2_000] for n in range(10)]
    fill = [[str(begin + 1_000 + n), f"{n} " + "y" * 2_000] for n in range(300)]  # more than the block holds
    for values in (first, first, fill, first):
        body = {"streams": [{"stream": LABELS | {"service_name": "again"}, "values": values}]}
        assert _call(stack.options.ports.loki, "POST", "/loki/api/v1/push", body)[0] == 204
    query = '{service_name="again"}'
    path = f"/loki/api/v1/query_range?limit=1000&query={urllib.parse.quote(query)}"
    shown = json.loads(_call(stack.options.ports.loki, "GET", path)[1])["data"]["result"]
    assert sum(len(stream["values"]) for stream in shown) == 310
    path = f"/loki/api/v1/query?query={urllib.parse.quote(f'sum(count_over_time({query}[1h]))')}"
    counted = json.loads(_call(stack.options.ports.loki, "GET", path)[1])["data"]["result"][0]["value"][1]
    assert counted == "320"  # docs/reliability.md says so: change it there when Loki counts 310


def test_structured_metadata_finds_a_line_without_a_parser(stack: Stack) -> None:
    assert _push(stack, "found by its trace", service_name="metadata") == 204
    query = f'{{service_name="metadata"}} | trace_id="{TRACE_ID}"'
    assert poll(lambda: _lines(stack, query), 10) == ["found by its trace"]


def test_loki_adds_no_label_of_its_own(stack: Stack) -> None:
    assert _push(stack, "labels", service_name="labels") == 204
    assert poll(lambda: _lines(stack, '{service_name="labels"}'), 10)
    _, body = _call(stack.options.ports.loki, "GET", "/loki/api/v1/labels")
    assert sorted(LABELS) == sorted(json.loads(body)["data"])


def test_a_critical_line_reaches_the_webhook(stack: Stack, receiver: Receiver) -> None:
    assert _push(stack, "the disk is gone", service_name="dying", level="critical") == 204
    arrived = poll(lambda: receiver.alert(alertname="CriticalLogged", service_name="dying"), 30)
    assert arrived is not None
    assert "dying logged a critical line" == arrived[1]["annotations"]["summary"]


def test_a_secret_in_a_line_reaches_the_webhook(stack: Stack, receiver: Receiver) -> None:
    assert _push(stack, json.dumps({"message": "key AKIA" + "A" * 16}), service_name="leaky") == 204
    arrived = poll(lambda: receiver.alert(alertname="SecretInLogs", service_name="leaky"), 30)
    assert arrived is not None
    assert "critical" == arrived[1]["labels"]["severity"]


def test_deletion_is_switched_on(stack: Stack) -> None:
    now = int(time.time())
    query = urllib.parse.quote('{service_name="large"} | user="u1"')
    path = f"/loki/api/v1/delete?query={query}&start={now - 3600}&end={now}"
    assert _call(stack.options.ports.loki, "POST", path)[0] == 204
    _, body = _call(stack.options.ports.loki, "GET", "/loki/api/v1/delete")
    assert 1 == len(json.loads(body))


def test_one_number_of_days_rules_both_stores(stack: Stack) -> None:
    _, loki = _call(stack.options.ports.loki, "GET", "/config")
    _, tempo = _call(stack.options.ports.tempo, "GET", "/status/config")
    assert "retention_period: 1w" in loki.decode() or "retention_period: 7d" in loki.decode()
    assert "block_retention: 1w" in tempo.decode()


def _span(attributes: dict[str, str]) -> dict[str, Any]:
    now = time.time_ns()
    named = [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
    span = {
        "traceId": TRACE_ID,
        "spanId": "b7ad6b7169203331",
        "name": "chat",
        "kind": 1,
        "startTimeUnixNano": str(now - 10**9),
        "endTimeUnixNano": str(now),
        "attributes": named,
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "test"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}


def test_a_span_with_a_long_attribute_is_found_whole_and_at_once(stack: Stack) -> None:
    ports = stack.options.ports
    long = "y" * 200_000
    body = _span({"gen_ai.agent.name": "support", "third.party.prompt": long})
    assert _call(ports.otlp_http, "POST", "/v1/traces", body)[0] == 200

    def found() -> bool | None:
        return True if long in _call(ports.tempo, "GET", f"/api/v2/traces/{TRACE_ID}")[1].decode() else None

    def searched() -> bool | None:
        query = urllib.parse.quote('{ span.gen_ai.agent.name = "support" }')
        return True if json.loads(_call(ports.tempo, "GET", f"/api/search?q={query}")[1]).get("traces") else None

    assert poll(found, 10)
    assert poll(searched, 15)


RUNBOOK = (Path(__file__).parents[3] / "docs" / "runbook.md").read_text("utf-8")
LOG_QUERIES = re.findall(r"```logql\n(.*?)\n```", RUNBOOK, re.DOTALL)
TRACE_QUERIES = re.findall(r"```traceql\n(.*?)\n```", RUNBOOK, re.DOTALL)


@pytest.mark.parametrize("query", LOG_QUERIES)
def test_loki_understands_every_query_of_the_runbook(stack: Stack, query: str) -> None:
    path = f"/loki/api/v1/query_range?limit=5&query={urllib.parse.quote(query)}"
    status, body = _call(stack.options.ports.loki, "GET", path)
    assert status == 200, body


@pytest.mark.parametrize("query", TRACE_QUERIES)
def test_tempo_understands_every_query_of_the_runbook(stack: Stack, query: str) -> None:
    status, body = _call(stack.options.ports.tempo, "GET", f"/api/search?q={urllib.parse.quote(query)}")
    assert status == 200, body


@pytest.mark.parametrize("query", sorted(_trace_queries_of_alerts()))
def test_tempo_understands_the_trace_link_of_every_alert(stack: Stack, query: str) -> None:
    status, body = _call(stack.options.ports.tempo, "GET", f"/api/search?q={urllib.parse.quote(query)}")
    assert status == 200, body


def test_every_port_of_loki_and_tempo_is_on_loopback(stack: Stack) -> None:
    table = Path("/proc/net/tcp")
    if not table.is_file():
        pytest.skip("/proc/net/tcp is not on this machine")
    ours = {
        f"{getattr(stack.options.ports, name):04X}"
        for server in SERVERS
        if server.name in {"loki", "tempo"}
        for name in server.ports
    }
    rows = [line.split() for file in (table, Path("/proc/net/tcp6")) for line in file.read_text().splitlines()[1:]]
    listening = {row[1] for row in rows if row[3] == "0A" and row[1].rpartition(":")[2] in ours}
    assert {f"0100007F:{port}" for port in ours} == listening


def test_a_second_stack_on_the_same_ports_is_refused_before_it_starts_anything(stack: Stack, tmp_path: Path) -> None:
    second = Stack(replace(stack.options, data=tmp_path / "second"))
    with pytest.raises(StackError, match=r"Port \d+ for loki is in use"):
        second.up(["loki"])
    assert not (tmp_path / "second").exists()
