"""What the MCP server counts about itself, for `/metrics`."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from syndarix_obs import vocabulary as v


@dataclass(slots=True)
class Meters:
    """The server's metrics in a registry of their own."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _found: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for spec in v.SERVER_METRICS:
            self._found[spec.name] = _made(spec, self.registry)

    def answered(self, tool: str, status: str, seconds: float) -> None:
        """A tool was called. `status` is `ok`, `wrong` or `failed`."""
        self._found[v.MCP_REQUESTS.name].labels(tool=tool, status=status).inc()
        self._found[v.MCP_SECONDS.name].labels(tool=tool).observe(seconds)

    def told(self, tool: str, tokens: int, *, cut: bool) -> None:
        """An answer has this size."""
        self._found[v.MCP_TOKENS.name].labels(tool=tool).observe(tokens)
        if cut:
            self._found[v.MCP_CUT.name].labels(tool=tool).inc()

    def refused(self, reason: str) -> None:
        """A request was refused: `token`, `host`, `origin` or `rate`."""
        self._found[v.MCP_REFUSED.name].labels(reason=reason).inc()

    def value(self, spec: v.MetricSpec, **labels: str) -> float:
        """The value of a counter, 0 when it never moved."""
        return self.registry.get_sample_value(spec.name, labels) or 0.0


def _made(spec: v.MetricSpec, registry: CollectorRegistry) -> Counter | Histogram:
    if spec.kind == "histogram":
        return Histogram(spec.name, spec.meaning, spec.labels, buckets=spec.buckets, registry=registry)
    counter = Counter(spec.name, spec.meaning, spec.labels, registry=registry)
    if spec.closed and set(spec.closed) == set(spec.labels):
        for values in product(*(spec.closed[label] for label in spec.labels)):
            counter.labels(*values)
    return counter
