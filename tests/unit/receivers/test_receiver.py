"""The receiver: any program's OTLP is stored, priced and masked once, and what cannot be taken is told why."""

from __future__ import annotations

import gzip
import json
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceProto
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.receivers.body import JSON, MOST_BYTES, PROTOBUF
from syndarix_obs.receivers.receiver import Receiver
from syndarix_obs.receivers.server import ReceiverServer
from syndarix_obs.receivers.spans import resource_of

TRACE, SPAN, OTHER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "b7ad6b7169203332"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[ObservabilityPlatform]:
    """A platform over a fresh store."""
    made = ObservabilityPlatform(Settings(home=tmp_path, set_global=False))
    yield made
    made.shutdown()


@pytest.fixture
def receiver(platform: ObservabilityPlatform) -> Receiver:
    """A receiver that feeds it."""
    return Receiver(platform.runtime)


@pytest.fixture
def url(receiver: Receiver) -> Iterator[str]:
    """The receiver behind its server."""
    server = ReceiverServer(receiver, port=0)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.close()


def llm_span(span_id: str = SPAN, **attributes: Any) -> dict[str, Any]:
    """A chat call as a JavaScript program's OTLP/JSON has it."""
    found = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100, **attributes,
    }  # fmt: skip
    return {
        "traceId": TRACE, "spanId": span_id, "name": "chat gpt-4o-mini", "kind": 3,
        "startTimeUnixNano": "1780000000000000000", "endTimeUnixNano": "1780000001000000000",
        "attributes": [{"key": key, "value": _value(value)} for key, value in found.items()],
        "aFieldOfTheFuture": {"x": 1},
    }  # fmt: skip


def _value(value: Any) -> dict[str, Any]:
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def request(*spans: dict[str, Any]) -> bytes:
    """An OTLP/JSON request of a service."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}).encode()


def rows(home: Path, table: str = "records") -> list[dict[str, Any]]:
    """What the store holds."""
    connection = sqlite3.connect(f"file:{home / 'store.sqlite3'}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
    finally:
        connection.close()


def post(receiver: Receiver, body: bytes, path: str = "/v1/traces", **headers: str) -> Any:
    """Send a body; headers with underscores for dashes."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return receiver.receive(path, {"content-type": JSON, **given}, body)


def test_a_call_of_another_program_is_stored_and_priced_before_it_is_acknowledged(
    receiver: Receiver, tmp_path: Path
) -> None:
    assert 200 == post(receiver, request(llm_span())).status
    [line] = rows(tmp_path, "ledger")
    # 1,000 tokens at $0.15 and 100 at $0.60 a million
    assert 0.00021 == float(line["total_cost_usd"])
    assert "shop" == next(row for row in rows(tmp_path) if row["kind"] == "llm_call")["service"]


def test_a_batch_that_comes_twice_is_stored_once(receiver: Receiver, tmp_path: Path) -> None:
    body = request(llm_span(), llm_span(OTHER))
    assert [200, 200] == [post(receiver, body).status, post(receiver, body).status]
    assert 2 == len(rows(tmp_path, "ledger"))


def test_secrets_of_another_program_are_masked(receiver: Receiver, tmp_path: Path) -> None:
    messages = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "I am jane.doe@example.com"}]}])
    post(receiver, request(llm_span(**{"gen_ai.input.messages": messages})))
    assert b"jane.doe" not in b"".join(path.read_bytes() for path in tmp_path.glob("store.sqlite3*"))


def test_the_exporter_of_the_sdk_is_understood(url: str, tmp_path: Path) -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": "py"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces", compression=None)))
    with provider.get_tracer("t").start_as_current_span("outer") as span:
        span.set_attribute("session.id", "s-1")
    provider.shutdown()
    assert [("outer", "s-1", "py")] == [(r["name"], r["session_id"], r["service"]) for r in rows(tmp_path)]


def test_protobuf_in_gzip_is_understood(receiver: Receiver) -> None:
    message = ExportTraceServiceRequest()
    span = message.resource_spans.add().scope_spans.add().spans.add(name="x", end_time_unix_nano=1)
    span.trace_id, span.span_id = bytes.fromhex(TRACE), bytes.fromhex(SPAN)
    reply = post(receiver, gzip.compress(message.SerializeToString()), content_type=PROTOBUF, content_encoding="gzip")
    assert (200, PROTOBUF) == (reply.status, reply.content_type)
    assert not ExportTraceServiceResponse.FromString(reply.body).partial_success.rejected_spans


def test_spans_that_cannot_be_stored_are_counted_and_the_others_are_kept(receiver: Receiver, tmp_path: Path) -> None:
    broken = {**llm_span(OTHER), "traceId": "00"}
    reply = post(receiver, request(llm_span(), broken))
    answer = json.loads(reply.body)["partialSuccess"]
    assert ("1", True) == (answer["rejectedSpans"], "trace id" in answer["errorMessage"])
    assert 1 == len(rows(tmp_path, "ledger"))


@pytest.mark.parametrize(
    ("status", "words", "body", "headers"),
    [
        (415, "Content-Type", b"{}", {"content_type": "text/html"}),
        (415, "gzip or none", b"{}", {"content_encoding": "br"}),
        (400, "broken", b"no gzip", {"content_encoding": "gzip"}),
        (400, "too early", gzip.compress(b"{}" * 100, mtime=0)[:-9], {"content_encoding": "gzip"}),
        (400, "no OTLP in JSON", b"{", {}),
        (400, "no OTLP in protobuf", b"\xff\xff", {"content_type": PROTOBUF}),
        (413, "smaller batches", gzip.compress(b" " * (MOST_BYTES + 1), mtime=0), {"content_encoding": "gzip"}),
    ],
    ids=["type", "encoding", "no gzip", "cut gzip", "no JSON", "no protobuf", "too large"],
)
def test_what_cannot_be_taken_is_told_why(
    receiver: Receiver, status: int, words: str, body: bytes, headers: dict[str, str]
) -> None:
    reply = post(receiver, body, **headers)
    assert status == reply.status
    assert words.encode() in reply.body


def test_a_wrong_path_says_which_are_right(receiver: Receiver) -> None:
    reply = post(receiver, b"{}", "/api/traces")
    assert (404, True) == (reply.status, b"/v1/traces" in reply.body)


def test_a_large_batch_is_taken(receiver: Receiver) -> None:
    text = "word " * 2_000
    spans = [llm_span(f"{i:016x}", note=text) for i in range(1, 2_001)]
    body = request(*spans)
    assert len(body) > 20_000_000
    assert 200 == post(receiver, body).status


def test_browsers_and_foreign_hosts_are_refused(url: str) -> None:
    for header in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        sent = urllib.request.Request(f"{url}/v1/traces", b"{}", {"Content-Type": JSON, **header})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(sent)
        assert 403 == refused.value.code


def test_an_address_that_others_can_reach_needs_tokens(receiver: Receiver) -> None:
    with pytest.raises(ValueError, match="token file"):
        ReceiverServer(receiver, host="0.0.0.0", port=0)


def test_a_known_token_opens_and_another_does_not(receiver: Receiver) -> None:
    server = ReceiverServer(receiver, port=0, knows=lambda token: token == "right")
    server.start()
    codes = []
    for token in ("right", "wrong"):
        headers = {"Content-Type": JSON, "Authorization": f"Bearer {token}"}
        sent = urllib.request.Request(f"http://127.0.0.1:{server.port}/v1/traces", request(llm_span()), headers)
        try:
            codes.append(urllib.request.urlopen(sent).status)
        except urllib.error.HTTPError as error:
            codes.append(error.code)
    server.close()
    assert [200, 401] == codes


def test_metrics_are_acknowledged(receiver: Receiver) -> None:
    assert 200 == post(receiver, b'{"resourceMetrics": []}', "/v1/metrics").status


def test_who_sent_it_is_masked_and_without_command_lines() -> None:
    about = {"service.name": "shop", "process.command_args": "--key=1", "host.owner": "ann@example.org"}
    proto = ResourceProto(
        attributes=[KeyValue(key=key, value=AnyValue(string_value=text)) for key, text in about.items()]
    )
    found = resource_of(proto, lambda text: text.replace("ann@example.org", "[email]"))
    assert ("shop", {"host.owner": "[email]"}) == (found.service, found.attributes)
