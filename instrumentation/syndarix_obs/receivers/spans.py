"""From OTLP spans to the pipeline's `FinishedSpan`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceProto
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from syndarix_obs import vocabulary as v
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import SpanEvent
from syndarix_obs.records.resource import Resource

_KINDS: Final = ("internal", "internal", "server", "client", "producer", "consumer")
_ENVIRONMENTS: Final = (v.DEPLOYMENT_ENVIRONMENT, "deployment.environment")
_DEEPEST: Final = 32
_COMMAND: Final = "process.command"
_MOST_ATTRIBUTES: Final = 64
_LONGEST: Final = 512


@dataclass(slots=True)
class Rejected:
    """What of a request was not taken, and why."""

    count: int = 0
    reasons: dict[str, None] = field(default_factory=dict)

    def add(self, reason: str) -> None:
        """One more."""
        self.count += 1
        self.reasons[reason] = None

    @property
    def message(self) -> str:
        """All reasons, once each."""
        return "; ".join(self.reasons)


def spans_of(
    request: ExportTraceServiceRequest, rejected: Rejected, mask: Callable[[str], str] = str
) -> Iterator[FinishedSpan]:
    """Every span of a request that can be stored; the others are counted in `rejected`."""
    for group in request.resource_spans:
        resource = resource_of(group.resource, mask)
        for scoped in group.scope_spans:
            scope = (scoped.scope.name, scoped.scope.version or None)
            for span in scoped.spans:
                if len(span.trace_id) != 16 or len(span.span_id) != 8 or not any(span.trace_id):
                    rejected.add("a span without a trace id of 16 bytes and a span id of 8 bytes")
                elif not span.end_time_unix_nano:
                    rejected.add("a span without an end time")
                else:
                    yield _finished(span, resource, scope)


def resource_of(resource: ResourceProto, mask: Callable[[str], str] = str) -> Resource:
    """Who sent it, with `mask` over its texts and without the command lines, which hold what a person typed."""
    attributes = attributes_of(resource.attributes)
    service = str(attributes.pop(v.SERVICE_NAME, "") or "unknown_service")
    environments = [attributes.pop(name, None) for name in _ENVIRONMENTS]
    environment = next((str(each) for each in environments if each), "default")
    kept = list(attributes.items())[:_MOST_ATTRIBUTES]
    about = {key: mask(str(value)[:_LONGEST]) for key, value in kept if not key.startswith(_COMMAND)}
    return Resource(mask(service[:_LONGEST]), mask(environment[:_LONGEST]), about)


def _finished(span: Span, resource: Resource, scope: tuple[str, str | None]) -> FinishedSpan:
    kind = _KINDS[span.kind] if span.kind < len(_KINDS) else "internal"
    return FinishedSpan(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() if any(span.parent_span_id) else None,
        span_kind=kind,
        start_ns=span.start_time_unix_nano or span.end_time_unix_nano,
        end_ns=max(span.end_time_unix_nano, span.start_time_unix_nano),
        status=v.STATUS_ERROR if span.status.code == Status.STATUS_CODE_ERROR else v.STATUS_OK,
        status_message=span.status.message or None,
        attributes=attributes_of(span.attributes),
        events=[SpanEvent(e.name, e.time_unix_nano, attributes_of(e.attributes)) for e in span.events],
        links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
        scope=scope,
        resource=resource,
    )


def attributes_of(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Attributes as Python values."""
    return {pair.key: value_of(pair.value) for pair in pairs}


def value_of(value: AnyValue, depth: int = 0) -> Any:
    """One value; what is nested deeper than a document would be is cut off."""
    kind = value.WhichOneof("value")
    if kind is None or depth > _DEEPEST:
        return None
    if kind == "array_value":
        return [value_of(each, depth + 1) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: value_of(pair.value, depth + 1) for pair in value.kvlist_value.values}
    if kind == "bytes_value":
        return value.bytes_value.hex()
    return getattr(value, kind)
