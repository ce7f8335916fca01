"""Keeps instrumented HTTP and gRPC libraries from tracing what we send ourselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_requests_untraced() -> Iterator[None]:
    """Within the block, instrumented HTTP and gRPC libraries open no spans: ours must not observe itself."""
    from opentelemetry import context
    from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, _SUPPRESS_INSTRUMENTATION_KEY

    silent = context.set_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, True)
    token = context.attach(context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True, silent))
    try:
        yield
    finally:
        context.detach(token)
