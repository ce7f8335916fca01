"""The only wiring: settings → steps → exporters, in order; flush and close.

Heavy imports (SQLite, prices, exporters) happen when a platform is made, in the thread that makes it: see `preload.py`.
"""

from __future__ import annotations

import atexit
import time
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from syndarix_obs import guard
from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.pipeline.preload import preload
from syndarix_obs.pipeline.worker import Worker
from syndarix_obs.records.resource import Resource
from syndarix_obs.settings import Settings
from syndarix_obs.spans.queue import SpanQueue, Started
from syndarix_obs.spans.span import LightSpan, SpanSource

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from syndarix_obs.identity import Identity
    from syndarix_obs.metrics.scrape_endpoint import MetricsServer
    from syndarix_obs.pipeline.consumers import Consumer
    from syndarix_obs.pipeline.processing import LiveSessions, Processing
    from syndarix_obs.records.finished import Step

# Without these steps no text may leave: identify and redact hide people and secrets, payload redacts the big texts.
_GATE = frozenset({"identify", "payload", "redact"})


def _ignore(_item: Any) -> None:
    """Where spans go when the platform is switched off or closed."""


class Runtime:
    """Everything behind one platform.

    Args:
        settings: the settings.
        registry: Prometheus registry for all metrics of this platform; None makes a new one when it is needed.
        consumers: destinations to use instead of those the settings name (tests).
        ids: id generator (tests).
        clock: wall clock in nanoseconds (tests).
        monotonic: duration clock in nanoseconds (tests).
        redact_with: further redaction, text to text.
    """

    def __init__(
        self,
        settings: Settings,
        registry: CollectorRegistry | None,
        *,
        consumers: Sequence[Consumer] | None = None,
        ids: Any = None,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.perf_counter_ns,
        redact_with: Callable[[str], str] | None = None,
    ) -> None:
        from syndarix_obs.redaction.step import Redactor  # compiles its patterns; here, so that wrong ones are told

        self.settings = settings
        self.metrics = Metrics(registry)
        self.resource = Resource(settings.service_name, settings.environment)
        self.queue = SpanQueue(settings.queue_max_records, settings.queue_max_bytes)
        self.redactor = Redactor(
            settings.redaction, patterns=settings.redaction_patterns, custom=redact_with, on_mask=self.metrics.masked
        )
        self.worker = Worker(self.queue, self._build, settings.flush_interval)
        self.source = SpanSource(
            self._accept if settings.enabled else _ignore,
            started=self._session_started if settings.enabled else _ignore,
            ids=ids,
            clock=clock,
            monotonic=monotonic,
            ratio=settings.sample_ratio,
            resource=self.resource,
        )
        self._given_consumers = consumers
        if settings.enabled:
            preload(settings, destinations=consumers is None)
        self._identity: Identity | None = None
        self._closed = False
        self._stop_listening = guard.on_failure(self.metrics.internal_error)
        self._metrics_server = self._serve_metrics()
        self._at_exit = _close_at_exit(self)

    def _serve_metrics(self) -> MetricsServer | None:
        """The scrape endpoint, from the start: a scraper must see the counters at 0 before anything happens."""
        settings = self.settings
        if not settings.metrics_port or not settings.enabled:
            return None
        from syndarix_obs.metrics.scrape_endpoint import MetricsServer

        server = MetricsServer(self.metrics, settings.metrics_host, settings.metrics_port)
        server.start()
        return server

    def _accept(self, span: LightSpan) -> None:
        self.queue.put(span)
        if not self.worker.running:
            self.worker.start()

    def submit(self, item: Any) -> None:
        """Hand over something that is not a light span: a log line, a started session, a span of the SDK."""
        if self._closed or not self.settings.enabled:
            return
        self.queue.put_first_class(item)
        if not self.worker.running:
            self.worker.start()

    def _session_started(self, span: LightSpan) -> None:
        self.submit(Started(span))

    def pseudonym(self, user: str) -> str:
        """The keyed pseudonym of a raw user id."""
        if self._identity is None:
            from syndarix_obs.identity import Identity

            key_file = self.settings.user_key_file
            self._identity = Identity(self.settings.home, key_file.read_bytes().strip() if key_file else None)
        return self._identity.pseudonym(user)

    def flush(self, timeout: float) -> bool:
        """Bring everything recorded so far to safety, waiting at most `timeout` seconds; True when it is."""
        return self.worker.request(timeout)

    def close(self, timeout: float) -> bool:
        """Flush and end; what comes later is ignored."""
        if self._closed:
            return True
        self._closed = True
        done = self.worker.request(timeout, close=True)
        self.source.sink = self.source.started = _ignore
        self._stop_listening()
        if self._metrics_server is not None:
            self._metrics_server.close()
        atexit.unregister(self._at_exit)
        return done

    # --- on the worker ---

    def _build(self) -> Processing:
        from syndarix_obs.metrics.measure import Measure
        from syndarix_obs.pipeline.pipeline import Pipeline
        from syndarix_obs.pipeline.processing import LiveSessions, Processing

        settings, live = self.settings, LiveSessions()
        pipeline = Pipeline(
            self._steps(live),
            gate=_GATE,
            resource=self.resource,
            measure=Measure(self.metrics),
            consumers=self._consumers(),
            sampling={
                "ratio": settings.sample_ratio,
                "slow_ns": settings.slow_trace_seconds * 1e9,
                "costly_usd": settings.costly_trace_usd,
            },
        )
        return Processing(pipeline, live, self.queue, self.metrics.dropped)

    def _steps(self, live: LiveSessions) -> list[tuple[str, Step]]:
        """The order of the pipeline."""
        from syndarix_obs.pipeline.identify import IdentifyStep
        from syndarix_obs.pipeline.loops import LoopStep
        from syndarix_obs.pipeline.normalise import NormaliseStep
        from syndarix_obs.pipeline.payload import PayloadStep
        from syndarix_obs.pricing import PriceBook
        from syndarix_obs.pricing.price_step import PriceStep
        from syndarix_obs.pricing.token_step import TokensStep
        from syndarix_obs.redaction.step import RedactStep

        settings, metrics = self.settings, self.metrics
        payload = PayloadStep(
            self.redactor,
            capture=settings.capture,
            preview_chars=settings.preview_chars,
            max_bytes=settings.max_payload_bytes,
            on_truncate=metrics.truncated,
        )
        return [
            ("normalise", NormaliseStep()),
            ("tokens", TokensStep()),
            ("price", PriceStep(PriceBook(settings.prices_file))),
            ("loops", LoopStep(settings.loop_threshold, live.loop_detected)),
            ("identify", IdentifyStep(self.pseudonym)),
            ("payload", payload),
            ("redact", RedactStep(self.redactor)),
        ]

    def _consumers(self) -> Sequence[Consumer]:
        if self._given_consumers is not None:
            return self._given_consumers
        from syndarix_obs.destinations import build_exporters

        return build_exporters(self.settings, self.metrics, self.resource)


def _close_at_exit(runtime: Runtime) -> Callable[[], None]:
    """Save what waits when the program forgets to shut down; a collected runtime is not kept alive for it."""
    reference = weakref.ref(runtime)

    def close() -> None:
        found = reference()
        if found is not None:
            found.close(found.settings.shutdown_timeout)

    atexit.register(close)
    return close
