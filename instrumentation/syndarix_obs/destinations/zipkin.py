"""Spans to Zipkin, as JSON of its version 2."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.delivery.frames import Frame, encode
from syndarix_obs.delivery.http import HttpPost, outcome
from syndarix_obs.delivery.outcome import Outcome
from syndarix_obs.delivery.spooled import Post, SpooledDestination
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import Record
from syndarix_obs.records.resource import Resource

MAX_REQUEST_BYTES: Final = 2 * 1024 * 1024
"""Bytes of spans in one request, before compression."""
_KINDS: Final = frozenset({"client", "server", "producer", "consumer"})
_KEPT_CHARS: Final = 1024
_SUCCESS: Final = frozenset({200, 202, 204})
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


def zipkin_span(span: FinishedSpan, service: str) -> dict[str, Any]:
    """A span in Zipkin's shape; times are microseconds, tags are text."""
    made: dict[str, Any] = {
        "traceId": span.trace_id,
        "id": span.span_id,
        "name": span.name,
        "timestamp": max(1, span.start_ns // 1000),
        "duration": max(1, (span.end_ns - span.start_ns) // 1000),
        "localEndpoint": {"serviceName": service},
        "tags": _tags(span),
    }
    if span.parent_id:
        made["parentId"] = span.parent_id
    if span.span_kind in _KINDS:
        made["kind"] = span.span_kind.upper()
    if span.events:
        made["annotations"] = [
            {"timestamp": event.timestamp_ns // 1000, "value": _annotation(event.name, event.attributes)}
            for event in span.events
        ]
    return made


def _tags(span: FinishedSpan) -> dict[str, str]:
    tags = {key: _tag(value) for key, value in span.attributes.items() if value is not None}
    tags["otel.scope.name"] = span.scope[0]
    if span.status == v.STATUS_ERROR:
        tags["error"] = span.status_message or str(span.attributes.get(v.ERROR_TYPE, "true"))
    return tags


def _tag(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _json(value) if isinstance(value, (list, tuple, dict)) else str(value)


def _annotation(name: str, attributes: Mapping[str, Any]) -> str:
    return f"{name}: {_json(dict(attributes))}" if attributes else name


class ZipkinServer:
    """A Zipkin server as a destination.

    Args:
        url: where spans are posted, for example `http://127.0.0.1:9411/api/v2/spans`.
    """

    name = "zipkin"
    max_request_bytes = MAX_REQUEST_BYTES

    def __init__(self, url: str) -> None:
        self._http = HttpPost(url, {"Content-Type": "application/json"})

    def send(self, frames: Sequence[Frame], timeout: float) -> Outcome:
        """Send spans as one request."""
        return outcome(self._http(b"[" + b",".join(frame.before for frame in frames) + b"]", timeout), _SUCCESS)

    def shorten(self, frame: Frame, keep: int) -> Frame | None:  # noqa: ARG002 - spans carry no payload
        """Cut the long tags of a span."""
        span = json.loads(frame.before)
        long = {key: value for key, value in span["tags"].items() if len(value) > 2 * _KEPT_CHARS}
        for key, value in long.items():
            span["tags"][key] = f"{value[:_KEPT_CHARS]}{v.TRUNCATED_SUFFIX}{len(value.encode())}"
        return replace(frame, before=_json(span).encode()) if long else None

    def name_of(self, frame: Frame) -> str:
        """The ids of a span."""
        span = json.loads(frame.before)
        return f"span {span['id']} of trace {span['traceId']}"

    def reset(self) -> None:
        """Forget the connections."""
        self._http.reset()


class ZipkinDestination(SpooledDestination):
    """The destination that sends spans to Zipkin.

    Args:
        url: where spans are posted.
        post: what it shares with the platform's other destinations.
        resource: who emits.
    """

    def __init__(self, url: str, post: Post, resource: Resource) -> None:
        self._service = resource.service
        super().__init__(ZipkinServer(url), post)

    def encoded(self, span: FinishedSpan | None, records: Sequence[Record]) -> Iterable[bytes]:  # noqa: ARG002 - the protocol has both
        """One frame per span whose trace is kept."""
        if span is None:
            return ()
        service = self._service if span.resource is None else span.resource.service
        made = _json(zipkin_span(span, service)).encode("utf-8", "replace")
        return (encode(span.end_ns, b"", made),)
