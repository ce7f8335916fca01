"""What the demo watches while it runs: its own log lines, the library's warnings, the lowest rate limits."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from syndarix_obs import ObservabilityPlatform
from syndarix_obs.vocabulary import LLM_RATE_LIMIT, REDACTIONS
from syndarix_obs_demo.clock import DemoClock
from syndarix_obs_demo.desk import log


@contextmanager
def captured_logs(obs: ObservabilityPlatform, clock: DemoClock) -> Iterator[None]:
    """The desk's log lines go into the store, at simulated time, and not to the terminal."""
    handlers = list(log.handlers)
    log.propagate = False
    log.addFilter(clock.stamp)
    obs.capture_logs(log.name)
    try:
        yield
    finally:
        log.handlers, log.propagate = handlers, True
        log.removeFilter(clock.stamp)


class Warnings(logging.Handler):
    """Collects what the library itself has to say; within the block it is shown nowhere else."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []
        self._logger = logging.getLogger("syndarix_obs")
        self._propagated = True

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message."""
        self.messages.append(record.getMessage())

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Listen within the block."""
        self._propagated, self._logger.propagate = self._logger.propagate, False
        self._logger.addHandler(self)
        try:
            yield
        finally:
            self._logger.removeHandler(self)
            self._logger.propagate = self._propagated


def samples(obs: ObservabilityPlatform, name: str) -> Iterator[tuple[dict[str, str], float]]:
    """Labels and values of one metric as they are now."""
    for metric in obs.registry.collect():
        for sample in metric.samples:
            if sample.name == name:
                yield sample.labels, sample.value


def masked(obs: ObservabilityPlatform) -> dict[str, int]:
    """How many values of each kind were masked so far."""
    return {labels["type"]: int(value) for labels, value in samples(obs, REDACTIONS.name) if value}


class LowestLimits:
    """Remembers the lowest reading of the rate-limit gauge, which itself only knows the last one."""

    def __init__(self) -> None:
        self.by_provider: dict[str, float] = {}

    def look(self, obs: ObservabilityPlatform) -> None:
        """Read the gauge."""
        for labels, value in samples(obs, LLM_RATE_LIMIT.name):
            provider = labels["provider"]
            self.by_provider[provider] = min(value, self.by_provider.get(provider, 1.0))
