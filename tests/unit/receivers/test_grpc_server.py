"""OTLP over gRPC reaches the same receiver: stored, refused with a reason, by token where others can reach it."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from syndarix_obs.receivers.grpc_server import GrpcServer
from syndarix_obs.receivers.receiver import Receiver
from syndarix_obs.testing import Kit, recording

ANY_ADDRESS = "0.0.0.0"


@pytest.fixture
def kit() -> Iterator[Kit]:
    """A platform that keeps what it records."""
    with recording() as made:
        yield made


@pytest.fixture
def address(kit: Kit) -> Iterator[str]:
    """A server on this machine."""
    server = GrpcServer(Receiver(kit.obs.runtime), port=0)
    server.start()
    yield f"127.0.0.1:{server.port}"
    server.close()


def test_spans_of_the_official_exporter_are_priced_and_keep_their_service(kit: Kit, address: str) -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"http://{address}", insecure=True)))
    attributes = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100,
    }  # fmt: skip
    with provider.get_tracer("a").start_as_current_span("chat", attributes=attributes):
        pass
    provider.shutdown()
    (line,) = kit.records("cost")
    assert ("shop", 1000, 100) == (line.service, line.tokens_input, line.tokens_output)
    assert float(line.total_cost_usd or 0) == pytest.approx(0.00021)


def test_logs_are_answered(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        answer = logs_service_pb2_grpc.LogsServiceStub(channel).Export(logs_service_pb2.ExportLogsServiceRequest())
    assert logs_service_pb2.ExportLogsServiceResponse() == answer


def test_what_is_no_otlp_is_refused_with_a_reason(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        with pytest.raises(grpc.RpcError) as caught:
            export(b"\xff\xff\xff")
    assert grpc.StatusCode.INVALID_ARGUMENT == caught.value.code()
    assert "no OTLP in protobuf" in caught.value.details()


def test_other_machines_need_a_token(kit: Kit) -> None:
    with pytest.raises(ValueError, match="token file"):
        GrpcServer(Receiver(kit.obs.runtime), ANY_ADDRESS, 0)
    server = GrpcServer(Receiver(kit.obs.runtime), ANY_ADDRESS, 0, "secret".__eq__)
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            export = trace_service_pb2_grpc.TraceServiceStub(channel).Export
            request = trace_service_pb2.ExportTraceServiceRequest()
            with pytest.raises(grpc.RpcError) as caught:
                export(request)
            export(request, metadata=(("authorization", "Bearer secret"),))
    finally:
        server.close()
    assert grpc.StatusCode.UNAUTHENTICATED == caught.value.code()


def test_a_port_that_is_taken_is_an_error(kit: Kit, address: str) -> None:
    with pytest.raises(OSError, match="bind"):
        GrpcServer(Receiver(kit.obs.runtime), port=int(address.rpartition(":")[2]))
