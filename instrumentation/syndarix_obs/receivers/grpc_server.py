"""OTLP over gRPC, for exporters that speak nothing else: the same receiver, the same rules. Needs the extra `grpc`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
from typing import Any, Final

import grpc

from syndarix_obs.receivers.body import MOST_BYTES, PROTOBUF
from syndarix_obs.receivers.receiver import Receiver
from syndarix_obs.receivers.server import LOOPBACK, check_address, refusal_of

PORT: Final = 4317
"""Port of OTLP over gRPC."""
_PATHS: Final = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": "/v1/traces",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": "/v1/logs",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "/v1/metrics",
}
_THREADS: Final = 16
_ENDING_S: Final = 2.0
_CODES: Final = {
    400: grpc.StatusCode.INVALID_ARGUMENT, 401: grpc.StatusCode.UNAUTHENTICATED, 403: grpc.StatusCode.PERMISSION_DENIED,
    413: grpc.StatusCode.INVALID_ARGUMENT, 429: grpc.StatusCode.UNAVAILABLE, 503: grpc.StatusCode.UNAVAILABLE,
}  # fmt: skip
"""What is worth another try is UNAVAILABLE: exporters repeat that, as they repeat 429 and 503 over HTTP."""


class GrpcServer:
    """Serves a receiver over gRPC. Tokens as over HTTP: none on a loopback address, one in every request elsewhere.

    Args:
        receiver: who takes the requests.
        host: address to listen on.
        port: port; 0 takes a free one, see `port` afterwards.
        knows: whether a bearer token is known; needed when `host` is not a loopback address.

    Raises:
        OSError: the address cannot be bound.
        ValueError: a public address without `knows`.
    """

    def __init__(
        self, receiver: Receiver, host: str = "127.0.0.1", port: int = PORT, knows: Callable[[str], bool] | None = None
    ) -> None:
        check_address(host, knows)
        self._server = grpc.server(
            futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="syndarix-obs-grpc"),
            handlers=(_Exports(receiver, knows, local=host in LOOPBACK),),
            options=(("grpc.max_receive_message_length", MOST_BYTES), ("grpc.so_reuseport", 0)),
        )
        address = f"[{host}]" if ":" in host.strip("[]") and not host.startswith("[") else host
        try:
            self.port: int = self._server.add_insecure_port(f"{address}:{port}")
        except RuntimeError as error:
            raise OSError(str(error)) from None

    def start(self) -> None:
        """Serve in threads of its own."""
        self._server.start()

    def close(self) -> None:
        """Stop taking requests."""
        self._server.stop(_ENDING_S).wait()


class _Exports(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The three services; bytes in and out, since the receiver parses by itself."""

    def __init__(self, receiver: Receiver, knows: Callable[[str], bool] | None, *, local: bool) -> None:
        self._receiver = receiver
        self._knows = knows
        self._local = local

    def service(self, handler_call_details: Any) -> Any:
        """How a method is answered; None for one that is not known."""
        path = _PATHS.get(handler_call_details.method)
        if path is None:
            return None
        return grpc.unary_unary_rpc_method_handler(lambda body, context: self._export(path, body, context))

    def _export(self, path: str, body: bytes, context: Any) -> bytes:
        headers = {str(name): str(value) for name, value in context.invocation_metadata()}
        reply = refusal_of(headers, self._knows, local=self._local)
        if reply is None:
            reply = self._receiver.receive(path, {"content-type": PROTOBUF}, body)
        if reply.status != 200:
            context.abort(_CODES.get(reply.status, grpc.StatusCode.UNKNOWN), reply.message)
        return reply.body
