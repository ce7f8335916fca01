"""Trace context and correlation ids across services: W3C `traceparent` and `baggage` headers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Protocol

from opentelemetry import baggage
from opentelemetry import context as otel_context
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from syndarix_obs.spans import correlation
from syndarix_obs.spans.correlation import CORRELATION_KEY, NOTHING


class Cleaner(Protocol):
    """Masks names and ids, as `redaction.leaving.Names` does."""

    def text(self, text: str) -> str:
        """A name with what is sensitive in it masked."""

    def session(self, session_id: str) -> str:
        """A session's id that may leave."""


_PREFIX = "syndarix."
_FIELDS = ("session_id", "agent", "agent_type", "project", "user", "task_type")
_trace = TraceContextTextMapPropagator()
_baggage = W3CBaggagePropagator()


def inject(headers: MutableMapping[str, str], pseudonym: Callable[[str], str], names: Cleaner) -> None:
    """Write the current trace context and correlation ids into outgoing headers.

    The raw user id never leaves the process: its pseudonym travels. Other names travel masked.

    Args:
        headers: changed in place.
        pseudonym: raw id of a user to pseudonym.
        names: masks the rest.
    """
    context = otel_context.get_current()
    found = correlation.current(context)
    for name in _FIELDS:
        value = getattr(found, name)
        if value is None:
            continue
        if name == "user" and not found.user_is_pseudonym:
            value = pseudonym(str(value))
        elif name != "user":
            value = _clean(name, str(value), names)
        context = baggage.set_baggage(_PREFIX + name, str(value), context)
    _trace.inject(headers, context)
    _baggage.inject(headers, context)


def _clean(name: str, value: str, names: Cleaner) -> str:
    return names.session(value) if name == "session_id" else names.text(value)


def extract(headers: Mapping[str, Any], names: Cleaner) -> Context:
    """The OpenTelemetry context that incoming headers carry; header names in any case, what they say masked."""
    lowered = {str(key).lower(): _single(value) for key, value in headers.items()}
    context = _baggage.extract(lowered, _trace.extract(lowered, otel_context.get_current()))
    received = {name: baggage.get_baggage(_PREFIX + name, context) for name in _FIELDS}
    values: dict[str, Any] = {name: _clean(name, str(value), names) for name, value in received.items() if value}
    if not values:
        return context
    if "user" in values:
        values["user_is_pseudonym"] = True
    return Context({**context, CORRELATION_KEY: dataclasses.replace(NOTHING, **values)})


def _single(value: Any) -> str:
    """WSGI gives strings, ASGI bytes, some frameworks lists."""
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
