"""Spans to Tempo, or to any other OTLP server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from syndarix_obs.delivery.frames import encode
from syndarix_obs.delivery.outcome import Destination
from syndarix_obs.delivery.spooled import Post, SpooledDestination
from syndarix_obs.destinations.otlp import OtlpHttp, span_field
from syndarix_obs.destinations.span_proto import encode_resource, encode_scope, encode_span
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import Record
from syndarix_obs.records.resource import Resource

GRPC = "grpc"


class TempoDestination(SpooledDestination):
    """The destination that sends spans over OTLP. Payloads stay behind: spans carry attributes, events and links only.

    Args:
        endpoint: URL of the server; for HTTP `/v1/traces` is added when missing.
        post: what it shares with the platform's other destinations.
        resource: who emits.
        protocol: `http/protobuf` or `grpc`.
        headers: sent with each request.
        name: label of its metrics and name of its spool.
    """

    def __init__(
        self,
        endpoint: str,
        post: Post,
        resource: Resource,
        *,
        protocol: str = "http/protobuf",
        headers: dict[str, str] | None = None,
        name: str = "tempo",
    ) -> None:
        self._scopes: dict[tuple[str, str | None], bytes] = {}
        self._sender: tuple[Resource, bytes] | None = None
        super().__init__(_destination(name, endpoint, encode_resource(resource), headers or {}, protocol), post)

    def encoded(self, span: FinishedSpan | None, records: Sequence[Record]) -> Iterable[bytes]:  # noqa: ARG002 - the protocol has both
        """One frame per span whose trace is kept."""
        if span is None:
            return ()
        sender = b"" if span.resource is None else self._other(span.resource)
        return (encode(span.end_ns, self._scope(span.scope), span_field(encode_span(span)), after=sender),)

    def _other(self, resource: Resource) -> bytes:
        """Another program's resource; its spans come many at once."""
        if self._sender is None or self._sender[0] is not resource:
            self._sender = (resource, encode_resource(resource))
        return self._sender[1]

    def _scope(self, scope: tuple[str, str | None]) -> bytes:
        found = self._scopes.get(scope)
        if found is None:
            found = self._scopes[scope] = encode_scope(scope)
        return found


def _destination(name: str, endpoint: str, resource: bytes, headers: dict[str, str], protocol: str) -> Destination:
    if protocol != GRPC:
        return OtlpHttp(name, endpoint, resource, headers)
    from syndarix_obs.destinations.otlp_grpc import OtlpGrpc

    return OtlpGrpc(name, endpoint, resource, headers)
