"""The finished span as the worker sees it: one mutable view, whichever library opened the span.

Steps of the pipeline (`normalise`, `payload`, `redact`, `price`) change it in place, in the order that `runtime.py`
shows; afterwards `conversion.from_span` freezes it into records.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs.records.model import SpanEvent
from syndarix_obs.records.resource import Resource
from syndarix_obs.spans.correlation import NOTHING, Correlation


class FinishedSpan:
    """A span that has ended. Ids are lower-case hex, times nanoseconds since the epoch.

    `attributes` are the free attributes that may be exported; `payload` holds references to big things (messages,
    arguments, results) until the payload step turns them into `payload_json`, redacted JSON text.
    `status` is one of `vocabulary.STATUS_*`; `status_message` is the exception text, redacted by the redact step.
    `checked` names attributes that are parts of a payload in which the gate found nothing to mask.
    `span_kind` is the OpenTelemetry span kind's name in lower case (`internal`, `client`, …).
    `passes` are the parts of a usage that are billed by their own size, each with the model it names.
    `own_agent` is the agent that the span or a framework's span around it names, before the session's agent.
    `counted` is False for a span that means nothing by itself (a poll of a response that is not done yet), and `polled`
    is True for an answer that may be fetched again and again.
    `revises` counts how often a span tells anew, with other numbers, what one with the same id told; 0 for the first.
    `resource` says who emitted a span that came from another program; None for this process.
    """

    __slots__ = (
        "attributes", "checked", "correlation", "counted", "end_ns", "events", "keep", "links", "name", "own_agent",
        "parent_id", "passes", "payload", "payload_json", "polled", "price", "remote_parent", "resource", "revises",
        "scope", "span_id", "span_kind", "start_ns", "status", "status_message", "trace_id",
    )  # fmt: skip

    def __init__(
        self,
        *,
        name: str,
        trace_id: str,
        span_id: str,
        parent_id: str | None = None,
        span_kind: str = "internal",
        start_ns: int = 0,
        end_ns: int = 0,
        status: str = v.STATUS_OK,
        status_message: str | None = None,
        attributes: dict[str, Any] | None = None,
        payload: dict[str, Any] | None = None,
        events: list[SpanEvent] | None = None,
        links: list[tuple[str, str]] | None = None,
        scope: tuple[str, str | None] = ("syndarix_obs", None),
        correlation: Correlation = NOTHING,
        remote_parent: bool = False,
        resource: Resource | None = None,
    ) -> None:
        self.name = name
        self.trace_id = trace_id
        self.span_id = span_id
        self.parent_id = parent_id
        self.span_kind = span_kind
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.status = status
        self.status_message = status_message
        self.attributes: dict[str, Any] = {} if attributes is None else attributes
        self.payload: dict[str, Any] = {} if payload is None else payload
        self.payload_json: str | None = None
        self.checked: tuple[str, ...] = ()
        self.price: Any = None
        self.events: list[SpanEvent] = [] if events is None else events
        self.links: list[tuple[str, str]] = [] if links is None else links
        self.scope = scope
        self.correlation = correlation
        self.remote_parent = remote_parent
        self.resource = resource
        self.keep = True
        self.counted = True
        self.polled = False
        self.revises = 0
        self.own_agent: str | None = None
        self.passes: tuple[tuple[str | None, Any], ...] = ()


Step = Callable[[FinishedSpan], None]
"""One stage of the pipeline; changes the span in place."""
