"""Which destinations the settings mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_sink import ScriptedSink, until

from syndarix_obs import guard
from syndarix_obs.delivery.http import Reply, outcome, retry_after
from syndarix_obs.delivery.outcome import Kind
from syndarix_obs.delivery.untraced import own_requests_untraced
from syndarix_obs.destinations import build_destinations
from syndarix_obs.destinations.otlp import answered
from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.records.resource import Resource
from syndarix_obs.settings import Settings


@pytest.fixture
def built(tmp_path: Path, sink: ScriptedSink) -> Iterator[Any]:
    """Builds from settings; closes in the end."""
    made: list[Any] = []

    def build(metrics: Metrics | None = None, **values: Any) -> list[Any]:
        values = {"loki_url": sink.url, "otlp_endpoint": sink.url, "home": tmp_path, **values}
        made.extend(build_destinations(Settings(**values), metrics or Metrics(), Resource("shop", "test")))
        return made

    yield build
    for exporter in made:
        exporter.close(2)


def names(exporters: list[Any]) -> list[str]:
    return [type(exporter).__name__ for exporter in exporters]


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        ("none", []),
        ("embedded", ["EmbeddedDestination"]),
        ("stack", ["TempoDestination", "LokiDestination"]),
        ("both", ["EmbeddedDestination", "TempoDestination", "LokiDestination"]),
    ],
)
def test_the_backend_names_the_destinations(built: Any, backend: str, expected: list[str]) -> None:
    assert expected == names(built(backend=backend))


def test_further_trace_destinations_have_spools_of_their_own(built: Any, sink: ScriptedSink) -> None:
    found = built(backend="stack", zipkin_url=f"{sink.url}/api/v2/spans", extra_otlp_endpoint=sink.url)
    assert ["tempo", "loki", "otlp_extra", "zipkin"] == [exporter.name for exporter in found]


def test_a_pushgateway_is_a_destination_whatever_the_backend(built: Any, sink: ScriptedSink) -> None:
    assert ["PushgatewayDestination"] == names(built(backend="none", pushgateway_url=sink.url))


def test_a_store_that_cannot_be_used_does_not_take_the_stack_down(
    built: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "store.sqlite3").write_bytes(b"this is not a database, but it is long enough to be looked at" * 20)
    assert ["TempoDestination", "LokiDestination"] == names(built(backend="both"))
    assert {"embedded": 1} == guard.failures()
    assert "nothing is stored" in caplog.text


def test_the_default_endpoint_means_the_grpc_port_over_grpc(built: Any) -> None:
    found = built(backend="stack", otlp_protocol="grpc", otlp_endpoint="http://127.0.0.1:4318")
    assert ["TempoDestination", "LokiDestination"] == names(found)


def test_what_waits_on_disk_shows_in_the_metrics(built: Any, sink: ScriptedSink) -> None:
    from exporter_samples import record

    sink.stop()
    metrics = Metrics()
    _, loki = built(metrics, backend="stack")
    loki.consume(None, [record()])
    loki.tick()

    def value(name: str) -> float:
        return metrics.registry.get_sample_value(name, {"destination": "loki"}) or 0.0

    until(lambda: value("syndarix_obs_export_failures_total") > 0)
    assert value("syndarix_obs_spool_bytes") > 0


def test_our_own_requests_are_not_traced() -> None:
    from opentelemetry import context
    from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, _SUPPRESS_INSTRUMENTATION_KEY

    keys = (_SUPPRESS_INSTRUMENTATION_KEY, _SUPPRESS_HTTP_INSTRUMENTATION_KEY)
    with own_requests_untraced():
        assert [True, True] == [context.get_value(key) for key in keys]
    assert [None, None] == [context.get_value(key) for key in keys]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, None), ("", None), ("2", 2.0), ("1.5", 1.5), ("-3", 0.0), ("soon", None), ("inf", None),
     ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(value: str | None, expected: float | None) -> None:
    assert expected == retry_after(value)


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (200, "", Kind.DELIVERED),
        (204, "", Kind.DELIVERED),
        (429, "Ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec), request too large", Kind.LATER),
        (429, "Per stream rate limit exceeded (limit: 3MB/sec) while attempting to ingest", Kind.LATER),
        (500, "rpc error: grpc: received message larger than max (6291185 vs. 4194304)", Kind.TOO_LARGE),
        (500, "empty ring", Kind.LATER),
        (400, "http: request body too large", Kind.TOO_LARGE),
        (400, "loghttp.PushRequest.Streams: expects string", Kind.REJECTED),
        (422, "error at least one valid stream is required for ingestion", Kind.REJECTED),
        (413, "", Kind.TOO_LARGE),
        (401, "no org id", Kind.REFUSED),
        (0, "ConnectionError", Kind.LATER),
    ],
)
def test_an_answer_is_understood_by_status_and_words(status: int, text: str, expected: Kind) -> None:
    assert expected is outcome(Reply(status, text.encode()), {200, 204}).kind


PAGE = b"<!DOCTYPE html><html><title>Sign in</title></html>"


@pytest.mark.parametrize(
    ("status", "kind", "body", "delivered"),
    [
        (200, "", b"", True),
        (200, "application/x-protobuf", b"", True),
        (200, "application/json", b"{}", True),
        (200, "application/json", b'{"partialSuccess":{}}', True),
        (200, "text/html; charset=utf-8", b"", False),
        (200, "text/html", PAGE, False),
        (200, "", PAGE, False),
        (200, "text/plain", b"logged out", False),
        (200, "application/json", b"[]", False),
        (200, "application/json", b"not json", False),
        (203, "application/x-protobuf", b"", False),
    ],
)
def test_an_otlp_server_took_it_when_it_says_so_in_its_own_words(
    status: int, kind: str, body: bytes, delivered: bool
) -> None:
    result = answered(Reply(status, body, {"Content-Type": kind}))
    assert (Kind.DELIVERED if delivered else Kind.LATER) is result.kind
    assert delivered or f"HTTP {status}" in result.reason


def test_spans_that_an_otlp_server_did_not_take_are_counted_in_json_too() -> None:
    body = b'{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}'
    result = answered(Reply(200, body, {"Content-Type": "application/json"}))
    assert (Kind.DELIVERED, 3, "too old") == (result.kind, result.rejected, result.reason)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_only_a_204_is_lokis_word_for_taken(status: int) -> None:
    result = outcome(Reply(status, b""), {204})
    assert Kind.LATER is result.kind
    assert "is a login page or a proxy in between?" in result.reason
