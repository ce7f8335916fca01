"""Spans as OTLP requests, put together from spans that were encoded one by one.

A protobuf message is the concatenation of its fields: a request is built from encoded spans without decoding any.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from syndarix_obs import vocabulary as v
from syndarix_obs.delivery.frames import Frame
from syndarix_obs.delivery.http import HttpPost, Reply, not_an_answer, outcome
from syndarix_obs.delivery.outcome import DELIVERED, TEXT_KEPT, Kind, Outcome
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
_SCHEMA_URL: Final = field(b"\x1a", v.SCHEMA_URL.encode())
_SUCCESS: Final = frozenset({200, 202, 204})


def span_field(span: bytes) -> bytes:
    """A serialized span as it stands in a request."""
    return field(_SPAN, span)


def request(resource: bytes, frames: Sequence[Frame]) -> bytes:
    """An `ExportTraceServiceRequest`.

    Args:
        resource: of this process, serialized.
        frames: each holds a span field, as its key the serialized scope, and behind it the serialized resource of
            another program whose span it is.
    """
    senders: dict[bytes, dict[bytes, list[bytes]]] = {}
    for frame in frames:
        scopes = senders.setdefault(frame.after or resource, {})
        scopes.setdefault(frame.key, [field(_SCOPE, frame.key), _SCHEMA_URL]).append(frame.before)
    return b"".join(_resource_spans(sender, scopes) for sender, scopes in senders.items())


def _resource_spans(resource: bytes, scopes: dict[bytes, list[bytes]]) -> bytes:
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


def partial(body: bytes) -> Outcome | None:
    """What a delivered request says about spans that were not taken; None when it is no answer of an OTLP server."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    try:
        said = ExportTraceServiceResponse.FromString(body).partial_success
    except DecodeError:
        return None
    return _taken_but_for(said.rejected_spans, said.error_message)


def _partial_json(body: bytes) -> Outcome | None:
    try:
        said = json.loads(body or b"{}").get("partialSuccess") or {}
        return _taken_but_for(int(said.get("rejectedSpans") or 0), str(said.get("errorMessage") or ""))
    except (ValueError, TypeError, AttributeError):
        return None


def _taken_but_for(rejected: int, message: str) -> Outcome:
    return Outcome(Kind.DELIVERED, message[:TEXT_KEPT], rejected=rejected) if rejected > 0 else DELIVERED


def answered(reply: Reply) -> Outcome:
    """What an answer over HTTP means: a success is a protobuf or JSON message of OTLP, or nothing at all."""
    result = outcome(reply, _SUCCESS)
    if result.kind is not Kind.DELIVERED or not reply.body:
        return result
    read = _partial_json if reply.content_type == "application/json" else partial
    return read(reply.body) or Outcome(Kind.LATER, not_an_answer(reply))


def name_of(frame: Frame) -> str:
    """The ids of a frame's span."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans

    try:
        (span,) = ScopeSpans.FromString(frame.before).spans  # a span field is the same there
    except (DecodeError, ValueError):
        return "a span"
    return f"span {span.span_id.hex()} of trace {span.trace_id.hex()}"


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
        return answered(self._http(request(self._resource, frames), timeout))

    def shorten(self, frame: Frame, keep: int) -> Frame | None:  # noqa: ARG002 - spans carry no payload
        """Cut the long texts of a span."""
        return shorten(frame)

    def name_of(self, frame: Frame) -> str:
        """The ids of a span."""
        return name_of(frame)

    def reset(self) -> None:
        """Forget the connections."""
        self._http.reset()
