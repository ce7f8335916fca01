"""Spans over OTLP/gRPC, with messages below the 4 MiB that servers take by default."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from syndarix_obs.delivery.frames import Frame
from syndarix_obs.delivery.outcome import DELIVERED, TEXT_KEPT, Kind, Outcome
from syndarix_obs.destinations import otlp

if TYPE_CHECKING:
    import grpc

MAX_REQUEST_BYTES: Final = 3 * 1024 * 1024
_EXPORT: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_STATUS_DETAILS: Final = "grpc-status-details-bin"
_REFUSED = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED", "NOT_FOUND"})
_REJECTED = frozenset({"INVALID_ARGUMENT"})
_FAILING = frozenset({"INTERNAL", "UNKNOWN", "DATA_LOSS"})


class OtlpGrpc:
    """An OTLP/gRPC server as a destination.

    Args:
        name: label of its metrics and name of its spool.
        endpoint: `host:port`, or a URL; `https://` uses TLS.
        resource: who emits, serialized.
        headers: sent as metadata.
    """

    max_request_bytes = MAX_REQUEST_BYTES

    def __init__(self, name: str, endpoint: str, resource: bytes, headers: dict[str, str]) -> None:
        self.name = name
        scheme, _, rest = endpoint.rpartition("://")
        self._target = rest.partition("/")[0]
        self._secure = scheme == "https"
        self._resource = resource
        self._metadata = tuple(headers.items())
        self._channel: grpc.Channel | None = None
        self._call: Callable[..., Any] | None = None

    def send(self, frames: Sequence[Frame], timeout: float) -> Outcome:
        """Send spans as one call."""
        import grpc

        call = self._call or self._connect()
        try:
            answer = call(otlp.request(self._resource, frames), timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            return outcome(error)
        return otlp.partial(answer) or DELIVERED

    def _connect(self) -> Callable[..., Any]:
        import grpc

        if self._secure:
            self._channel = grpc.secure_channel(self._target, grpc.ssl_channel_credentials())
        else:
            self._channel = grpc.insecure_channel(self._target)
        # The request is bytes already; a stub would have to parse it first.
        self._call = self._channel.unary_unary(_EXPORT)
        return self._call

    def shorten(self, frame: Frame, keep: int) -> Frame | None:  # noqa: ARG002 - spans carry no payload
        """Cut the long texts of a span."""
        return otlp.shorten(frame)

    def name_of(self, frame: Frame) -> str:
        """The ids of a span."""
        return otlp.name_of(frame)

    def reset(self) -> None:
        """Forget the channel."""
        self._call = None
        if self._channel is not None:
            self._channel.close()
            self._channel = None


def outcome(error: Any) -> Outcome:
    """What a failed call means for what was sent."""
    code, text = error.code().name, str(error.details() or "")
    reason = f"gRPC {code}: {text[:TEXT_KEPT]}"
    if "larger than max" in text or "larger than the max" in text:
        return Outcome(Kind.TOO_LARGE, reason)
    if code in _REFUSED:
        return Outcome(Kind.REFUSED, reason)
    if code in _REJECTED:
        return Outcome(Kind.REJECTED, reason)
    return Outcome(Kind.LATER, reason, retry_after_s=_asked_wait(error), failing=code in _FAILING)


def _asked_wait(error: Any) -> float | None:
    from google.protobuf.message import DecodeError
    from google.rpc.error_details_pb2 import RetryInfo
    from google.rpc.status_pb2 import Status

    details = dict(error.trailing_metadata() or ())
    try:
        status = Status.FromString(details.get(_STATUS_DETAILS, b""))
    except DecodeError:
        return None
    info = RetryInfo()
    for detail in status.details:
        if detail.Unpack(info):
            return float(info.retry_delay.ToNanoseconds()) / 1e9
    return None
