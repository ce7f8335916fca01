"""The metrics of one platform: those of the vocabulary, built from their specs, and the user's own.

`prometheus_client` is loaded when the first metric is touched, not at import: it takes longer to import than
the rest of this package.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from syndarix_obs import vocabulary as v
from syndarix_obs.vocabulary import MetricSpec

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

    from syndarix_obs.metrics.series import Family
    from syndarix_obs.metrics.user_metrics import UserCounter, UserGauge, UserHistogram

LABEL_CAP: Final = 500
"""Most distinct values of one label of one metric; further ones are counted as `other`."""

_OWN_PREFIX: Final = "syndarix_obs_"
_SIBLINGS: Final = {
    "status": (v.STATUS_OK, v.STATUS_ERROR),
    "result": ("pass", "fail"),
}
# What a gauge means when several processes share a metrics folder (PROMETHEUS_MULTIPROC_DIR).
# The user's own add up over the living processes, like the active sessions.
_MULTIPROCESS: Final = {
    v.AGENT_SESSIONS_ACTIVE.name: "livesum",
    v.AGENT_PROGRESS.name: "max",
    v.SPOOL_BYTES.name: "livemax",
    v.LLM_RATE_LIMIT.name: "mostrecent",
    v.CONTEXT_TOKENS_USED.name: "mostrecent",
    v.CONTEXT_UTILIZATION.name: "mostrecent",
}

# Two platforms on one registry share its metrics instead of registering them twice.
_shared: WeakKeyDictionary[Any, dict[str, tuple[object, Family[Any]]]] = WeakKeyDictionary()
_shared_lock = threading.Lock()


class Metrics:
    """Counters, gauges and histograms of one registry.

    Args:
        registry: where they are registered; a new one by default.
        label_cap: most distinct values of one label.
    """

    def __init__(self, registry: CollectorRegistry | None = None, *, label_cap: int = LABEL_CAP) -> None:
        self._given = registry
        self._cap = label_cap
        self._built: tuple[CollectorRegistry, dict[str, tuple[object, Family[Any]]]] | None = None
        self._clean: Callable[[str], str] = str
        self._lock = threading.RLock()

    def clean_with(self, clean: Callable[[str], str]) -> None:
        """Mask values of labels and help texts with this function; a platform does so when it is made."""
        self._clean = clean

    @property
    def registry(self) -> CollectorRegistry:
        """The Prometheus registry, for an endpoint of one's own."""
        return self._build()[0]

    # --- the vocabulary's metrics ---

    def counter_child(self, spec: MetricSpec, labels: tuple[object, ...]) -> Counter:
        """The series of a counter, to keep and increment."""
        child: Counter = self._family(spec).child(labels)
        return child

    def gauge_child(self, spec: MetricSpec, labels: tuple[object, ...]) -> Gauge:
        """The series of a gauge."""
        child: Gauge = self._family(spec).child(labels)
        return child

    def histogram_child(self, spec: MetricSpec, labels: tuple[object, ...]) -> Histogram:
        """The series of a histogram."""
        child: Histogram = self._family(spec).child(labels)
        return child

    def count(self, spec: MetricSpec, labels: tuple[object, ...] = (), amount: float = 1.0) -> None:
        """Add to a counter."""
        self.counter_child(spec, labels).inc(amount)

    def set(self, spec: MetricSpec, labels: tuple[object, ...], value: float) -> None:
        """Set a gauge."""
        self.gauge_child(spec, labels).set(value)

    # --- our own health ---

    def unpriced(self, provider: str | None, model: str | None) -> None:
        """A call whose model has no known price."""
        self.count(v.LLM_UNPRICED, (provider, model))

    def masked(self, kind: str, count: int = 1) -> None:
        """Values that redaction replaced."""
        self.count(v.REDACTIONS, (kind,), count)

    def truncated(self, site: str, count: int = 1) -> None:
        """Texts that were cut."""
        self.count(v.TRUNCATIONS, (site,), count)

    def dropped(self, reason: str, count: int = 1) -> None:
        """Records or payloads that were given up."""
        self.count(v.RECORDS_DROPPED, (reason,), count)

    def internal_error(self, site: str) -> None:
        """A contained failure of ours."""
        self.count(v.INTERNAL_ERRORS, (site,))

    def export_failed(self, destination: str) -> None:
        """A failed attempt to reach a destination."""
        self.count(v.EXPORT_FAILURES, (destination,))

    def spool_bytes(self, destination: str, size: int) -> None:
        """Bytes that wait on disk for a destination."""
        self.set(v.SPOOL_BYTES, (destination,), size)

    # --- the user's own ---

    def counter(self, name: str, meaning: str, labels: Sequence[str] = ()) -> UserCounter:
        """A counter of your own: `obs.metrics.counter("orders_total", "Orders.", ["region"]).inc(region="eu")`.

        The same declaration again gives the same metric.

        Raises:
            MetricError: the name or a label breaks a rule, or the name is taken; says how to mend it.
        """
        from syndarix_obs.metrics.user_metrics import UserCounter

        spec = MetricSpec(name, "counter", "", self._clean(meaning), tuple(labels))
        return UserCounter(self._declared(spec), spec.labels)

    def gauge(self, name: str, meaning: str, labels: Sequence[str] = ()) -> UserGauge:
        """A gauge of your own: `.set(3, queue="mail")`. Raises `MetricError` like `counter`."""
        from syndarix_obs.metrics.user_metrics import UserGauge

        spec = MetricSpec(name, "gauge", "", self._clean(meaning), tuple(labels))
        return UserGauge(self._declared(spec), spec.labels)

    def histogram(
        self,
        name: str,
        meaning: str,
        labels: Sequence[str] = (),
        buckets: Sequence[float] = v.LATENCY_BUCKETS,
    ) -> UserHistogram:
        """A histogram of your own: `.observe(0.4, shop="eu")`. Raises `MetricError` like `counter`."""
        from syndarix_obs.metrics.user_metrics import UserHistogram

        spec = MetricSpec(name, "histogram", "", self._clean(meaning), tuple(labels), tuple(buckets))
        return UserHistogram(self._declared(spec), tuple(labels))

    def _declared(self, spec: MetricSpec) -> Family[Any]:
        from syndarix_obs.metrics.user_metrics import MetricError, check_spec

        check_spec(spec)
        with self._lock:
            registry, families = self._build()
            if spec.name in families:
                before, family = families[spec.name]
                if before != spec:
                    raise MetricError(f"Metric {spec.name!r} is already declared, differently. Choose another name.")
                return family
            try:
                families[spec.name] = entry = (spec, self._register(spec, registry))
            except ValueError as error:
                raise MetricError(f"Metric {spec.name!r} cannot be registered: {error}") from None
            return entry[1]

    # --- building ---

    def _family(self, spec: MetricSpec) -> Family[Any]:
        built = self._built or self._build()
        return built[1][spec.name][1]

    def _build(self) -> tuple[CollectorRegistry, dict[str, tuple[object, Family[Any]]]]:
        if self._built is None:
            with self._lock, _shared_lock:
                if self._built is None:
                    self._built = self._build_on_registry()
                    self._touch_closed_label_sets()
        return self._built

    def _build_on_registry(self) -> tuple[CollectorRegistry, dict[str, tuple[object, Family[Any]]]]:
        from prometheus_client import CollectorRegistry

        registry = CollectorRegistry() if self._given is None else self._given
        families = _shared.setdefault(registry, {})
        for spec in v.METRICS:
            if spec.name not in families:
                families[spec.name] = (spec, self._register(spec, registry))
        return registry, families

    def _touch_closed_label_sets(self) -> None:
        for spec in v.METRICS:
            if spec.labels and set(spec.labels) == set(spec.closed):
                for values in itertools.product(*(spec.closed[label] for label in spec.labels)):
                    self._family(spec).child(values)

    def _register(self, spec: MetricSpec, registry: CollectorRegistry) -> Family[Any]:
        from prometheus_client import Counter, Gauge, Histogram

        from syndarix_obs.metrics.series import Family

        # The values of our own health are ours; and what counts collapsed values must not collapse itself.
        cap = sys.maxsize if spec.name.startswith(_OWN_PREFIX) else self._cap
        clean = str if spec.name.startswith(_OWN_PREFIX) else self._value
        if spec.kind == "counter":
            counter = Counter(spec.name, spec.meaning, spec.labels, registry=registry)
            return Family(spec.name, counter, spec.labels, cap, self._collapsed, _SIBLINGS, clean)
        if spec.kind == "gauge":
            mode: Any = _MULTIPROCESS.get(spec.name, "livesum")
            gauge = Gauge(spec.name, spec.meaning, spec.labels, registry=registry, multiprocess_mode=mode)
            return Family(spec.name, gauge, spec.labels, cap, self._collapsed, {}, clean)
        histogram = Histogram(spec.name, spec.meaning, spec.labels, registry=registry, buckets=spec.buckets)
        return Family(spec.name, histogram, spec.labels, cap, self._collapsed, {}, clean)

    def _value(self, value: str) -> str:
        return self._clean(value)

    def _collapsed(self, metric: str, label: str) -> None:
        self.count(v.LABELS_COLLAPSED, (metric, label))
