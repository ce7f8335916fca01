"""What a span looks like at Tempo, at another OTLP server and at Zipkin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import pytest
from exporter_samples import NOW_NS, TRACE, span
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status as RpcStatus
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from scripted_sink import Answer, Ledger, ScriptedSink, until

from syndarix_obs import vocabulary as v
from syndarix_obs.delivery.spooled import Post
from syndarix_obs.destinations.otlp import parse_headers, traces_url
from syndarix_obs.destinations.span_proto import encode_span
from syndarix_obs.destinations.tempo import TempoDestination
from syndarix_obs.destinations.zipkin import ZipkinDestination
from syndarix_obs.records.model import SpanEvent
from syndarix_obs.records.resource import Resource

RESOURCE = Resource("shop", "test", {"host.name": "h1"})


@pytest.fixture
def tempo(sink: ScriptedSink, post: Post) -> Iterator[TempoDestination]:
    exporter = TempoDestination(sink.url, post, RESOURCE, headers={"x-scope-orgid": "team-a"})
    yield exporter
    exporter.close(2)


def requests(sink: ScriptedSink) -> list[ExportTraceServiceRequest]:
    return [ExportTraceServiceRequest.FromString(found.body) for found in sink.taken]


def spans(sink: ScriptedSink) -> list[Span]:
    return [
        found
        for request in requests(sink)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for found in scope.spans
    ]


def attributes(of: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in of:
        kind = pair.value.WhichOneof("value")
        value = getattr(pair.value, kind)
        found[pair.key] = [item.string_value for item in value.values] if kind == "array_value" else value
    return found


def test_a_program_that_sent_its_spans_here_keeps_its_name(tempo: TempoDestination, sink: ScriptedSink) -> None:
    own, other = span(), span()
    other.resource = Resource("checkout", "staging", {"telemetry.sdk.language": "nodejs"})
    tempo.consume(own, [])
    tempo.consume(other, [])
    assert tempo.flush(10)
    found = [attributes(each.resource.attributes) for request in requests(sink) for each in request.resource_spans]
    assert [("checkout", "nodejs"), ("shop", None)] == sorted(
        (each["service.name"], each.get("telemetry.sdk.language")) for each in found
    )


def test_every_scope_names_the_conventions_that_its_names_follow(tempo: TempoDestination, sink: ScriptedSink) -> None:
    tempo.consume(span(), [])
    assert tempo.flush(10)
    [scope] = requests(sink)[0].resource_spans[0].scope_spans
    assert v.SCHEMA_URL == scope.schema_url


def test_a_span_arrives_with_ids_times_kind_and_typed_attributes(tempo: TempoDestination, sink: ScriptedSink) -> None:
    tempo.consume(span(), [])
    assert tempo.flush(10)
    (found,) = spans(sink)
    assert (TRACE, f"{1:016x}", "b7ad6b7169203331") == (
        found.trace_id.hex(), found.span_id.hex(), found.parent_span_id.hex()
    )  # fmt: skip
    assert (NOW_NS - 1_000_000_000, NOW_NS) == (found.start_time_unix_nano, found.end_time_unix_nano)
    assert ("chat gpt-4o", Span.SPAN_KIND_CLIENT) == (found.name, found.kind)
    assert {
        v.GEN_AI_OPERATION_NAME: "chat",
        v.GEN_AI_REQUEST_MODEL: "gpt-4o",
        v.GEN_AI_USAGE_INPUT_TOKENS: 12,
        v.COST_USD: 0.25,
        v.PRICED: True,
        v.GEN_AI_RESPONSE_FINISH_REASONS: ["stop"],
    } == attributes(found.attributes)


def test_the_request_names_the_service_the_scope_and_the_tenant(tempo: TempoDestination, sink: ScriptedSink) -> None:
    tempo.consume(span(0, scope=("a", "1.0")), [])
    tempo.consume(span(1, scope=("b", None)), [])
    tempo.consume(span(2, scope=("a", "1.0")), [])
    assert tempo.flush(10)
    ((resource,),) = [request.resource_spans for request in requests(sink)]
    assert {"service.name": "shop", "deployment.environment.name": "test", "host.name": "h1"} == attributes(
        resource.resource.attributes
    )
    assert [("a", "1.0", 2), ("b", "", 1)] == [
        (scope.scope.name, scope.scope.version, len(scope.spans)) for scope in resource.scope_spans
    ]
    request = sink.taken[0]
    assert ("/v1/traces", "application/x-protobuf", "team-a") == (
        request.path, request.headers["Content-Type"], request.headers["x-scope-orgid"]
    )  # fmt: skip


def test_failures_events_and_links_ride_on_the_span() -> None:
    made = span(
        status=v.STATUS_ERROR,
        status_message="boom",
        events=[SpanEvent("exception", 5, {"exception.type": "ValueError"})],
        links=[("f" * 32, "e" * 16)],
    )
    found = Span.FromString(encode_span(made))
    assert (Status.STATUS_CODE_ERROR, "boom") == (found.status.code, found.status.message)
    assert [("exception", 5, {"exception.type": "ValueError"})] == [
        (event.name, event.time_unix_nano, attributes(event.attributes)) for event in found.events
    ]
    assert [("f" * 32, "e" * 16)] == [(link.trace_id.hex(), link.span_id.hex()) for link in found.links]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("\ud83d!", "?!"),
        (1 << 80, str(1 << 80)),
        ({"a": 1}, "{'a': 1}"),
        (b"bytes", "b'bytes'"),
        (("a", "b"), ["a", "b"]),
    ],
)
def test_values_that_otlp_does_not_know_become_text(value: Any, expected: Any) -> None:
    found = Span.FromString(encode_span(span(name="odd \ud83d", attributes={"odd": value, "none": None})))
    assert {"odd": expected} == attributes(found.attributes)
    assert "odd ?" == found.name


def test_payloads_never_ride_on_a_span() -> None:
    found = Span.FromString(encode_span(span(payload={"input": "secret"})))
    assert b"secret" not in found.SerializeToString()


def test_times_before_the_epoch_and_broken_ids_do_not_break_the_others(
    tempo: TempoDestination, sink: ScriptedSink
) -> None:
    tempo.consume(span(0, start_ns=-5, end_ns=-1), [])
    with pytest.raises(ValueError, match="hexadecimal"):
        tempo.consume(span(1, trace_id="not hex"), [])
    tempo.consume(span(2), [])
    assert tempo.flush(10)
    assert [0, NOW_NS] == [found.end_time_unix_nano for found in spans(sink)]


def test_a_trace_that_is_not_kept_leaves_no_span(tempo: TempoDestination, sink: ScriptedSink) -> None:
    tempo.consume(None, [])
    assert tempo.flush(10)
    assert [] == sink.requests


def test_spans_that_the_server_did_not_take_are_counted(post: Post, health: Ledger) -> None:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 2
    sink = ScriptedSink(Answer(200, answer.SerializeToString()), Answer(200, b""))
    exporter = TempoDestination(sink.url, post, RESOURCE)
    for number in range(2):
        exporter.consume(span(number), [])
        assert exporter.flush(10)
    assert {"rejected": 2} == health.drops
    exporter.close(2)
    sink.stop()


def test_a_span_that_is_too_large_is_shortened_and_says_so(
    tempo: TempoDestination, sink: ScriptedSink, health: Ledger
) -> None:
    sink.policy = lambda request: Answer(413) if len(request.body) > 50_000 else Answer(200)
    tempo.consume(span(0), [])
    large = {"a": "x" * 200_000, "b": "short", "c": ["y" * 100_000]}
    events = [SpanEvent("e", 1, {"text": "z" * 100_000})]
    tempo.consume(span(1, attributes=large, events=events, status=v.STATUS_ERROR, status_message="w" * 90_000), [])
    until(lambda: len(spans(sink)) == 2)
    found = spans(sink)[1]
    assert "x" * 1024 + f"{v.TRUNCATED_SUFFIX}200000" == attributes(found.attributes)["a"]
    assert "short" == attributes(found.attributes)["b"]
    assert found.status.message.endswith(f"{v.TRUNCATED_SUFFIX}90000")
    assert attributes(found.events[0].attributes)["text"].endswith(f"{v.TRUNCATED_SUFFIX}100000")
    until(lambda: health.cuts == {"destination": 1})


def test_a_span_that_cannot_be_shortened_is_dropped_once_others_pass(
    tempo: TempoDestination, sink: ScriptedSink, health: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    sink.policy = lambda request: Answer(413) if b"execute_ill" in request.body else Answer(200)
    tempo.consume(span(0), [])
    tempo.consume(span(1, name="execute_ill"), [])
    tempo.tick()
    until(lambda: health.drops == {"rejected": 1})
    assert 1 == len(spans(sink))
    assert f"refuses span 0000000000000002 of trace {TRACE} again and again" in caplog.text


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("http://h:4318", "http://h:4318/v1/traces"),
        ("http://h:4318/", "http://h:4318/v1/traces"),
        ("http://h:4318/v1/traces", "http://h:4318/v1/traces"),
        ("https://h/prefix", "https://h/prefix/v1/traces"),
        ("h:4318", "http://h:4318/v1/traces"),
    ],
)
def test_the_path_of_traces_is_added_when_it_is_missing(endpoint: str, expected: str) -> None:
    assert expected == traces_url(endpoint)


def test_headers_are_read_as_opentelemetry_writes_them() -> None:
    assert {"authorization": "Basic a=b", "x-tenant": "t,1"} == parse_headers(
        " Authorization=Basic%20a=b , x-tenant=t%2C1,broken,=x"
    )


# --- gRPC ---


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """An OTLP/gRPC server on loopback that fails as it is told."""

    def __init__(self) -> None:
        self.taken: list[ExportTraceServiceRequest] = []
        self.metadata: dict[str, Any] = {}
        self.failures: list[tuple[grpc.StatusCode, str, bytes]] = []
        self.ill = ""
        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def Export(self, request: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:
        self.metadata = dict(context.invocation_metadata())
        if self.ill and self.ill in str(request):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "bad")
        if self.failures:
            code, text, details = self.failures.pop(0)
            if details:
                context.set_trailing_metadata((("grpc-status-details-bin", details),))
            context.abort(code, text)
        self.taken.append(request)
        return ExportTraceServiceResponse()

    @property
    def count(self) -> int:
        return sum(
            len(scope.spans) for r in self.taken for resource in r.resource_spans for scope in resource.scope_spans
        )


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.stop(0)


@pytest.fixture
def over_grpc(collector: Collector, post: Post) -> Iterator[TempoDestination]:
    endpoint = f"http://127.0.0.1:{collector.port}"
    exporter = TempoDestination(endpoint, post, RESOURCE, protocol="grpc", headers={"x-tenant": "t"})
    yield exporter
    exporter.close(3)


def test_spans_arrive_over_grpc_with_their_headers(over_grpc: TempoDestination, collector: Collector) -> None:
    for number in range(10):
        over_grpc.consume(span(number), [])
    assert over_grpc.flush(10)
    assert 10 == collector.count
    assert "t" == collector.metadata["x-tenant"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (grpc.StatusCode.UNAVAILABLE, "down"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "too fast"),
        (grpc.StatusCode.UNAUTHENTICATED, "who are you"),
    ],
)
def test_a_grpc_server_that_cannot_take_spans_now_gets_them_later(
    over_grpc: TempoDestination, collector: Collector, health: Ledger, code: grpc.StatusCode, text: str
) -> None:
    collector.failures.append((code, text, b""))
    over_grpc.consume(span(), [])
    over_grpc.tick()
    until(lambda: health.failures["tempo"] == 1)
    over_grpc.flush(5)
    until(lambda: collector.count == 1)
    assert {} == health.drops


def test_a_grpc_message_that_is_too_large_is_halved(
    over_grpc: TempoDestination, collector: Collector, health: Ledger
) -> None:
    text = "grpc: received message larger than max (5000000 vs. 4194304)"
    collector.failures.append((grpc.StatusCode.RESOURCE_EXHAUSTED, text, b""))
    for number in range(10):
        over_grpc.consume(span(number), [])
    over_grpc.tick()
    until(lambda: collector.count == 10)
    assert 5 == len(collector.taken[0].resource_spans[0].scope_spans[0].spans)
    assert {} == health.drops


def test_a_span_that_a_grpc_server_rejects_is_dropped_once_others_pass(
    over_grpc: TempoDestination, collector: Collector, health: Ledger
) -> None:
    collector.ill = "ill"
    over_grpc.consume(span(0), [])
    over_grpc.consume(span(1, name="ill"), [])
    over_grpc.tick()
    until(lambda: health.drops == {"rejected": 1})
    assert 1 == collector.count


def test_a_grpc_server_may_say_how_long_to_wait(
    over_grpc: TempoDestination, collector: Collector, health: Ledger
) -> None:
    info = AnyMessage()
    info.Pack(RetryInfo(retry_delay=Duration(seconds=1)))
    details = RpcStatus(code=8, details=[info]).SerializeToString()
    collector.failures.append((grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down", details))
    over_grpc.consume(span(), [])
    over_grpc.tick()
    until(lambda: health.failures["tempo"] == 1)
    over_grpc.flush(0.1)
    assert 0 == collector.count
    until(lambda: collector.count == 1)


# --- Zipkin ---


def test_a_span_arrives_at_zipkin_in_its_shape(sink: ScriptedSink, post: Post) -> None:
    exporter = ZipkinDestination(f"{sink.url}/api/v2/spans", post, RESOURCE)
    events = [SpanEvent("loop", 7_000, {"n": 1})]
    exporter.consume(span(status=v.STATUS_ERROR, status_message="boom", events=events), [])
    exporter.consume(None, [])
    exporter.consume(span(1, parent_id=None, span_kind="internal", start_ns=0, end_ns=0), [])
    assert exporter.flush(10)
    first, second = json.loads(sink.taken[0].body)
    assert "/api/v2/spans" == sink.taken[0].path
    assert {
        "traceId": TRACE,
        "id": f"{1:016x}",
        "parentId": "b7ad6b7169203331",
        "name": "chat gpt-4o",
        "kind": "CLIENT",
        "timestamp": (NOW_NS - 1_000_000_000) // 1000,
        "duration": 1_000_000,
        "localEndpoint": {"serviceName": "shop"},
        "annotations": [{"timestamp": 7, "value": 'loop: {"n":1}'}],
        "tags": {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": "12",
            "syndarix.cost.usd": "0.25",
            "syndarix.priced": "true",
            "gen_ai.response.finish_reasons": '["stop"]',
            "otel.scope.name": "syndarix_obs",
            "error": "boom",
        },
    } == first
    assert {"parentId", "kind", "annotations"}.isdisjoint(second)
    exporter.close(2)


def test_a_zipkin_span_that_is_too_large_is_shortened(sink: ScriptedSink, post: Post, health: Ledger) -> None:
    sink.policy = lambda request: Answer(413) if len(request.body) > 5_000 else Answer(202)
    exporter = ZipkinDestination(sink.url, post, RESOURCE)
    exporter.consume(span(0), [])
    exporter.consume(span(1, attributes={"long": "x" * 10_000, "short": "y"}), [])
    until(lambda: exporter.flush(1) and len(sink.taken) == 2)
    (found,) = json.loads(sink.taken[1].body)
    assert "x" * 1024 + f"{v.TRUNCATED_SUFFIX}10000" == found["tags"]["long"]
    until(lambda: health.cuts == {"destination": 1})
    exporter.close(2)
