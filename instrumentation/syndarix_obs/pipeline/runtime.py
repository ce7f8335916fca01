"""The only wiring: settings → steps → exporters, in order; flush and close.

Heavy imports (SQLite, prices, exporters) happen when a platform is made, in the thread that makes it: see `preload.py`.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import time
import weakref
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from syndarix_obs import foreign, guard
from syndarix_obs.errors import SettingsError
from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.pipeline import pausing, termination
from syndarix_obs.pipeline.preload import preload
from syndarix_obs.pipeline.worker import Worker
from syndarix_obs.records.resource import Resource
from syndarix_obs.settings import Settings
from syndarix_obs.spans.queue import SpanQueue, Started
from syndarix_obs.spans.span import LightSpan, SpanSource

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_client import CollectorRegistry

    from syndarix_obs.encryption.step import EncryptStep
    from syndarix_obs.guarding.guard import Guard
    from syndarix_obs.identity import Identity
    from syndarix_obs.metrics.scrape_endpoint import MetricsServer
    from syndarix_obs.pipeline.decide import DecideStep
    from syndarix_obs.pipeline.destination import Destination
    from syndarix_obs.pipeline.processing import LiveSessions, Processing
    from syndarix_obs.pricing.elsewhere import Elsewhere
    from syndarix_obs.records.finished import Step

_log = logging.getLogger("syndarix_obs")
# Without these steps no text may leave: identify, redact and erased hide people and secrets, payload the big texts, and
# encrypt what may only leave under a key.
_GATE = frozenset({"identify", "payload", "redact", "erased", "encrypt"})


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
        consumers: Sequence[Destination] | None = None,
        ids: Any = None,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.perf_counter_ns,
        redact_with: Callable[[str], str] | None = None,
    ) -> None:
        from syndarix_obs.redaction.leaving import Names
        from syndarix_obs.redaction.step import Redactor  # compiles its patterns; here, so that wrong ones are told

        self.settings = settings
        self.metrics = Metrics(registry)
        self.resource = Resource(settings.service_name, settings.environment)
        self.queue = SpanQueue(settings.queue_max_records, settings.queue_max_bytes)
        self.redactor = Redactor(
            settings.redaction,
            patterns=settings.redaction_patterns,
            custom=_contained(_with_presidio(settings, redact_with)),
            on_mask=self.metrics.masked,
        )
        self.names = Names(self.redactor, lambda raw: self._who().digest(raw))
        self.metrics.clean_with(self.names.text)
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
        self._given = consumers
        if settings.enabled:
            _check_extras(settings)
            preload(settings, destinations=consumers is None)
            self.redactor.prepare()
        self._identity: Identity | None = None
        self._guard: Guard | None = None
        self._load_budgets()
        self._closed = self._paused = False
        self._elsewhere: Elsewhere | None = None
        pausing.register(self)
        self._stop_listening = guard.on_failure(self.metrics.internal_error)
        self._metrics_server = self._serve_metrics()
        self._at_exit = _close_at_exit(self)
        if settings.enabled and settings.save_on_signals:
            termination.save(self)

    def guard(self) -> Guard:
        """The guard of this platform, made when the first budget is declared.

        Raises:
            SettingsError: the file of prices is wrong.
        """
        if self._guard is None:
            from syndarix_obs.guarding.guard import Guard
            from syndarix_obs.guarding.worst_case import WorstCase
            from syndarix_obs.pricing import PriceBook

            settings = self.settings
            self._guard = Guard(
                settings.home,
                WorstCase(PriceBook(settings.prices_file), settings.guard_max_output),
                self.metrics,
                clean=self.names.text,
                clean_run=self.names.session,
                pseudonym=lambda raw: self._who().digest(raw),
                timeout_s=settings.guard_timeout,
                wait_s=settings.guard_wait,
                refuse_when_broken=settings.guard_on_failure == "refuse",
                share=settings.guard_share,
            )
            if settings.enabled:
                self.source.guard = self._guard
        return self._guard

    def _load_budgets(self) -> None:
        if self.settings.enabled and self.settings.budgets_file is not None:
            from syndarix_obs.guarding.budgets import load

            self.guard().add(load(self.settings.budgets_file).budgets)

    def _serve_metrics(self) -> MetricsServer | None:
        """The scrape endpoint, from the start: a scraper must see the counters at 0 before anything happens."""
        settings = self.settings
        if not settings.scrape_ports or not settings.enabled:
            return None
        from syndarix_obs.metrics.scrape_endpoint import MetricsServer, docker_bridge

        with_bridge = settings.metrics_host is None and settings.backend in {"stack", "both"}
        server = MetricsServer(
            self.metrics, settings.metrics_host or "127.0.0.1", settings.scrape_ports,
            also=docker_bridge() if with_bridge else None,
        )  # fmt: skip
        server.start()
        return server

    def _accept(self, span: LightSpan) -> None:
        self.queue.put(span)
        if not self.worker.running:
            self.worker.start()

    def submit(self, item: Any) -> None:
        """Hand over something that is not a light span: a log line, a started session, a span of the SDK."""
        if self._closed or self._paused or not self.settings.enabled:
            return
        self.queue.put_first_class(item)
        if not self.worker.running:
            self.worker.start()

    def take_reports(self) -> None:
        """What comes is reported by other programs: other processes over the same store may report it, too.

        Call it before anything comes.
        """
        if self.settings.backend in {"embedded", "both"}:
            from syndarix_obs.pricing.elsewhere import Elsewhere

            self._elsewhere = Elsewhere(self.settings.store_path)

    @property
    def shares(self) -> bool:
        """Whether other processes' reports of the same calls are looked up in the store."""
        return self._elsewhere is not None

    def pause(self) -> None:
        """Ignore what comes, without a check for each call: see `pausing`."""
        self._paused = True
        self.source.sink = self.source.started = _ignore

    def resume(self) -> None:
        """Record again."""
        self._paused = False
        if self.settings.enabled and not self._closed:
            self.source.sink, self.source.started = self._accept, self._session_started

    @property
    def recording(self) -> bool:
        """Whether anything may wait to be saved."""
        return self.worker.running

    def _session_started(self, span: LightSpan) -> None:
        self.submit(Started(span))

    def pseudonym(self, user: str) -> str:
        """The keyed pseudonym of a raw user id."""
        return self._who().pseudonym(user)

    def _who(self) -> Identity:
        if self._identity is None:
            from syndarix_obs.identity import Identity

            key_file = self.settings.user_key_file
            self._identity = Identity(self.settings.home, key_file.read_bytes().strip() if key_file else None)
        return self._identity

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
        from syndarix_obs.guarding.settling import Settling
        from syndarix_obs.metrics.measure import Measure
        from syndarix_obs.pipeline.decide import DecideStep
        from syndarix_obs.pipeline.pipeline import Pipeline
        from syndarix_obs.pipeline.processing import LiveSessions, Processing

        settings, live = self.settings, LiveSessions()
        decide = DecideStep() if settings.automatic_decisions and settings.capture == "full" else None
        encrypt = self._encrypt()
        pipeline = Pipeline(
            self._steps(live, decide, encrypt),
            gate=_GATE,
            resource=self.resource,
            measure=Settling(Measure(self.metrics), lambda: self._guard),
            clean=self.names.record if encrypt is None else lambda record: encrypt.record(self.names.record(record)),
            destinations=self._destinations(),
            sampling={
                "ratio": settings.sample_ratio,
                "slow_ns": settings.slow_trace_seconds * 1e9,
                "costly_usd": settings.costly_trace_usd,
            },
            decide=decide,
            elsewhere=self._elsewhere,
        )
        return Processing(pipeline, live, self.queue, self.metrics.dropped)

    def _steps(
        self, live: LiveSessions, decide: DecideStep | None, encrypt: EncryptStep | None
    ) -> list[tuple[str, Step]]:
        """The order of the pipeline."""
        from syndarix_obs.pipeline.erased import ErasedStep
        from syndarix_obs.pipeline.fingerprints import Fingerprints
        from syndarix_obs.pipeline.identify import IdentifyStep
        from syndarix_obs.pipeline.loops import LoopStep
        from syndarix_obs.pipeline.normalise import NormaliseStep
        from syndarix_obs.pipeline.payload import PayloadStep
        from syndarix_obs.pricing import PriceBook
        from syndarix_obs.pricing.price_step import PriceStep
        from syndarix_obs.pricing.token_step import TokensStep
        from syndarix_obs.redaction.step import RedactStep
        from syndarix_obs.store.tombstones import Tombstones

        settings, metrics = self.settings, self.metrics
        payload = PayloadStep(
            self.redactor,
            capture=settings.capture,
            preview_chars=settings.preview_chars,
            max_bytes=settings.max_payload_bytes,
            on_truncate=metrics.truncated,
            fingerprints=Fingerprints(lambda: self._who().fingerprint_key()),
        )
        return [
            ("normalise", NormaliseStep()),
            *([] if decide is None else [("decide", decide)]),
            ("tokens", TokensStep()),
            ("price", PriceStep(PriceBook(settings.prices_file), self.names.text)),
            ("loops", LoopStep(settings.loop_threshold, live.loop_detected)),
            ("identify", IdentifyStep(self.pseudonym, self.names.session)),
            ("payload", payload),
            ("redact", RedactStep(self.redactor, self.names.text)),
            ("erased", ErasedStep(Tombstones(settings.home))),
            *([] if encrypt is None else [("encrypt", encrypt)]),
        ]

    def _encrypt(self) -> EncryptStep | None:
        if not self.settings.payload_keys:
            return None
        from syndarix_obs.encryption.key_file import PayloadKeys
        from syndarix_obs.encryption.step import EncryptStep

        return EncryptStep(PayloadKeys(self.settings.home), self.metrics.truncated)

    def _destinations(self) -> Sequence[Destination]:
        if self._given is not None:
            return self._given
        from syndarix_obs.destinations import build_destinations

        _say_if_open(self.settings.home)
        return build_destinations(self.settings, self.metrics, self.resource)


def _check_extras(settings: Settings) -> None:
    if settings.payload_keys and find_spec("cryptography") is None:
        raise SettingsError(
            "SYNDARIX_OBS_PAYLOAD_KEYS is on, and cryptography is not installed: "
            "`pip install 'syndarix-obs[payload-keys]'`, or leave the setting off"
        )
    if settings.backend in {"stack", "both"} and settings.otlp_protocol == "grpc" and find_spec("grpc") is None:
        raise SettingsError(
            "SYNDARIX_OBS_OTLP_PROTOCOL is 'grpc', and grpcio is not installed: `pip install 'syndarix-obs[grpc]'`, "
            "or take SYNDARIX_OBS_OTLP_PROTOCOL=http/protobuf"
        )


def _say_if_open(home: Path) -> None:
    """A folder that others may write to is one in which they can put files of their own."""
    with contextlib.suppress(OSError):
        if os.name == "posix" and home.stat().st_mode & 0o022:
            _log.warning("syndarix-obs: other users of this machine may write to %s: `chmod 700 %s`", home, home)


def _with_presidio(settings: Settings, custom: Callable[[str], str] | None) -> Callable[[str], str] | None:
    """The caller's own redaction, and Presidio's behind it where the settings name a model."""
    if not (settings.redaction_presidio and settings.enabled and settings.redaction == "all"):
        return custom
    from syndarix_obs.redaction.presidio import presidio

    names = presidio(settings.redaction_presidio)
    return names if custom is None else lambda text: names(custom(text))


def _contained(custom: Callable[[str], str] | None) -> Callable[[str], str] | None:
    """The caller's own redaction, watched like all code of the caller's."""
    if custom is None:
        return None

    def redact(text: str) -> str:
        try:
            return foreign.run(custom, text)
        except (Exception, foreign.Abandoned):
            raise
        except BaseException as error:  # whoever calls this contains exceptions only
            raise RuntimeError(type(error).__name__) from error

    return redact


def _close_at_exit(runtime: Runtime) -> Callable[[], None]:
    """Save what waits when the program forgets to shut down; a collected runtime is not kept alive for it."""
    reference = weakref.ref(runtime)

    def close() -> None:
        found = reference()
        if found is not None:
            found.close(found.settings.shutdown_timeout)

    atexit.register(close)
    return close
