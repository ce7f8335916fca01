"""Spans as OTLP requests, put together from spans that were encoded one by one.

A protobuf message is the concatenation of its fields: a request is built from encoded spans without decoding any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from syndarix_obs.delivery.frames import Frame
from syndarix_obs.delivery.http import HttpPost, Reply, outcome
from syndarix_obs.delivery.outcome import DELIVERED, Kind, Outcome
from syndarix_obs.delivery.wire import field
from syndarix_obs.destinations.span_proto import shorten_span

MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""Bytes of spans in one request over HTTP, before compression; Tempo takes 20 MiB by default."""
TRACES_PATH: Final = "/v1/traces"
_RESOURCE_SPANS: Final = b"\x0a"
_RESOURCE: Final = b"\x0a"
_SCOPE_SPANS: Final = b"\x12"
_SCOPE: Final = b"\x0a"
_SPAN: Final = b"\x12"


def span_field(span: bytes) -> bytes:
    """A serialized span as it stands in a request."""
    return field(_SPAN, span)


def request(resource: bytes, frames: Sequence[Frame]) -> bytes:
    """An `ExportTraceServiceRequest`; frames hold span fields, and their key is the serialized scope."""
    scopes: dict[bytes, list[bytes]] = {}
    for frame in frames:
        scopes.setdefault(frame.key, [field(_SCOPE, frame.key)]).append(frame.before)
    parts = [field(_RESOURCE, resource)]
    parts += (field(_SCOPE_SPANS, b"".join(scope)) for scope in scopes.values())
    return field(_RESOURCE_SPANS, b"".join(parts))


def shorten(frame: Frame) -> Frame | None:
    """The frame with its span's long texts cut; None when none is long."""
    start = 1
    while frame.before[start] & 128:
        start += 1
    shorter = shorten_span(frame.before[start + 1 :])
    return None if shorter is None else replace(frame, before=span_field(shorter))


def partial(body: bytes) -> Outcome:
    """What a delivered request says about spans that were not taken."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    try:
        answer = ExportTraceServiceResponse.FromString(body)
    except DecodeError:
        return DELIVERED
    rejected = answer.partial_success.rejected_spans
    return Outcome(Kind.DELIVERED, rejected=max(0, rejected)) if rejected else DELIVERED


def parse_headers(text: str) -> dict[str, str]:
    """Headers from `key=value,key2=value2`, percent-decoded; what has no `=` is left out."""
    pairs = (item.partition("=") for item in text.split(",") if "=" in item)
    return {key.strip().lower(): unquote(value.strip()) for key, _, value in pairs if key.strip()}


def traces_url(endpoint: str) -> str:
    """Where traces go over HTTP: `/v1/traces` behind the endpoint unless it is there."""
    base = (endpoint if "://" in endpoint else f"http://{endpoint}").rstrip("/")
    return base if base.endswith(TRACES_PATH) else base + TRACES_PATH


class OtlpHttp:
    """An OTLP/HTTP server as a destination.

    Args:
        name: label of its metrics and name of its spool.
        endpoint: base URL, or the URL of its traces.
        resource: who emits, serialized.
        headers: sent with each request.
    """

    max_request_bytes = MAX_REQUEST_BYTES

    def __init__(self, name: str, endpoint: str, resource: bytes, headers: dict[str, str]) -> None:
        self.name = name
        self._resource = resource
        own = {"Content-Type": "application/x-protobuf"}
        self._http = HttpPost(traces_url(endpoint), {**headers, **own})

    def send(self, frames: Sequence[Frame], timeout: float) -> Outcome:
        """Send spans as one request."""
        reply: Reply = self._http(request(self._resource, frames), timeout)
        result = outcome(reply)
        return partial(reply.body) if result.kind is Kind.DELIVERED and reply.body else result

    def shorten(self, frame: Frame, keep: int) -> Frame | None:  # noqa: ARG002 - spans carry no payload
        """Cut the long texts of a span."""
        return shorten(frame)

    def reset(self) -> None:
        """Forget the connections."""
        self._http.reset()
