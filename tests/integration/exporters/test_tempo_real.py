"""The Tempo exporter against a real Tempo: every span of every trace is there, over HTTP and gRPC."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from real_servers import Ledger, get, server, until

from syndarix_obs import vocabulary as v
from syndarix_obs.delivery.disk_budget import DiskBudget
from syndarix_obs.delivery.spooled import Post
from syndarix_obs.destinations.tempo import TempoDestination
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import SpanEvent
from syndarix_obs.records.resource import Resource
from syndarix_obs_stack.launcher import Stack

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

SPANS = 5


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with server("tempo", tmp_path_factory.mktemp("tempo")) as running:
        yield running


@pytest.fixture
def health() -> Ledger:
    return Ledger()


@pytest.fixture(params=["http/protobuf", "grpc"])
def tempo(
    stack: Stack, tmp_path: Path, health: Ledger, request: pytest.FixtureRequest
) -> Iterator[tuple[TempoDestination, str]]:
    """An exporter, and the service name that its spans go under."""
    protocol, ports = request.param, stack.options.ports
    service = f"{request.node.originalname}-{protocol[:4]}"
    endpoint = f"http://127.0.0.1:{ports.otlp_grpc if protocol == 'grpc' else ports.otlp_http}"
    post = Post(tmp_path / "spool", DiskBudget(1 << 28), health)
    exporter = TempoDestination(endpoint, post, Resource(service, "test"), protocol=protocol)
    yield exporter, service
    exporter.close(5)


def trace_id(service: str, number: int) -> str:
    return f"{hash(service) & 0xFFFFFFFFFFFF:024x}{number + 1:08x}"


def trace(service: str, number: int) -> list[FinishedSpan]:
    now = time.time_ns()
    return [
        FinishedSpan(
            name="session" if index == 0 else f"step {index}",
            trace_id=trace_id(service, number), span_id=f"{index + 1:016x}",
            parent_id=None if index == 0 else f"{1:016x}",
            start_ns=now - 10**9, end_ns=now,
            attributes={
                v.GEN_AI_REQUEST_MODEL: "gpt-4o", "n": number, v.COST_USD: 0.5, v.PRICED: True, "list": ["a", "b"],
            },
            events=[SpanEvent("event", now, {"k": "v"})] if index == 1 else [],
        )
        for index in range(SPANS)
    ]  # fmt: skip


def stored(stack: Stack, service: str, number: int) -> list[dict[str, Any]]:
    """Spans of a trace by id."""
    answer = get(stack.options.ports.tempo, f"/api/v2/traces/{trace_id(service, number)}")
    return [
        span
        for resource in answer["trace"].get("resourceSpans", [])
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def hit(stack: Stack, query: str) -> int:
    """How many traces a search finds."""
    now = int(time.time())
    answer = get(stack.options.ports.tempo, "/api/search", q=query, start=now - 3600, end=now + 60, limit=5000)
    return len(answer["traces"])


def test_every_span_of_every_trace_is_found_by_id_and_by_search(
    stack: Stack, tempo: tuple[TempoDestination, str], health: Ledger
) -> None:
    exporter, service = tempo
    for number in range(200):
        for span in trace(service, number):
            exporter.consume(span, [])
        if number % 20 == 19:
            exporter.tick()
    assert exporter.flush(20)
    until(lambda: hit(stack, f'{{ resource.service.name = "{service}" }}') == 200)
    assert [SPANS] * 200 == [len(stored(stack, service, number)) for number in range(200)]
    assert 1 == hit(stack, f'{{ resource.service.name = "{service}" && span.n = 7 }}')
    query = f'{{ resource.service.name = "{service}" && span.syndarix.cost.usd > 0.4 && span.syndarix.priced = true }}'
    assert 200 == hit(stack, query)
    assert ({}, 0) == (health.drops, health.failures)


def test_a_span_keeps_its_ids_times_attributes_and_events(stack: Stack, tempo: tuple[TempoDestination, str]) -> None:
    exporter, service = tempo
    sent = trace(service, 0)
    for span in sent:
        exporter.consume(span, [])
    assert exporter.flush(20)
    until(lambda: len(stored(stack, service, 0)) == SPANS)
    found = next(span for span in stored(stack, service, 0) if span["name"] == "step 1")
    assert (sent[1].span_id, sent[0].span_id) == (
        base64.b64decode(found["spanId"]).hex(), base64.b64decode(found["parentSpanId"]).hex()
    )  # fmt: skip
    assert (sent[1].start_ns, sent[1].end_ns) == (int(found["startTimeUnixNano"]), int(found["endTimeUnixNano"]))
    assert {
        v.GEN_AI_REQUEST_MODEL: {"stringValue": "gpt-4o"},
        "n": {"intValue": "0"},
        v.COST_USD: {"doubleValue": 0.5},
        v.PRICED: {"boolValue": True},
        "list": {"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": "b"}]}},
    } == {pair["key"]: pair["value"] for pair in found["attributes"]}
    assert ["event"] == [event["name"] for event in found["events"]]


def test_stopping_tempo_in_the_middle_loses_nothing(
    stack: Stack, tempo: tuple[TempoDestination, str], health: Ledger
) -> None:
    exporter, service = tempo

    def emit(first: int, last: int) -> None:
        for number in range(first, last):
            for span in trace(service, number):
                exporter.consume(span, [])
            exporter.tick()

    emit(0, 50)
    assert exporter.flush(20)
    stack.down()
    emit(50, 100)
    until(lambda: health.failures > 0)
    assert exporter.spool.waiting_bytes > 0
    stack.up(only=["tempo"])
    emit(100, 150)
    until(lambda: exporter.flush(1) and not exporter.spool.waiting_bytes)
    until(lambda: hit(stack, f'{{ resource.service.name = "{service}" }}') == 150)
    assert [SPANS] * 150 == [len(stored(stack, service, number)) for number in range(150)]
    assert {} == health.drops


def test_a_burst_of_many_large_spans_fits_the_servers_limits(
    stack: Stack, tempo: tuple[TempoDestination, str], health: Ledger
) -> None:
    exporter, service = tempo
    for number in range(600):
        span = trace(service, number)[0]
        span.attributes["big"] = "x" * 20_000
        exporter.consume(span, [])
    assert exporter.flush(30)
    until(lambda: not exporter.spool.waiting_bytes)
    for number in range(600):
        until(lambda n=number: len(stored(stack, service, n)) == 1)
    assert {} == health.drops
