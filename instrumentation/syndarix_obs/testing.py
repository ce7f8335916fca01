"""The test kit: a platform whose records you can look at, with counting ids and a stepping clock.

from syndarix_obs.testing import recording

with recording() as kit:
    run_my_agent(kit.obs)
    assert kit.records("tool_call")[0].tool == "search"
"""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syndarix_obs import guard
from syndarix_obs.pipeline.destination import BaseDestination, Destination
from syndarix_obs.platform import ObservabilityPlatform
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import Record, SessionRecord
from syndarix_obs.settings import Settings

START_NS = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z, where the stepping clock starts."""


class CountingIds:
    """Trace ids 1, 2, 3, … and span ids 1, 2, 3, …"""

    def __init__(self) -> None:
        self._traces = itertools.count(1)
        self._spans = itertools.count(1)

    def trace_id(self) -> int:
        """The next trace id."""
        return next(self._traces)

    def span_id(self) -> int:
        """The next span id."""
        return next(self._spans)


class SteppingClock:
    """A clock that moves by `step_ns` at every look.

    Args:
        start_ns: first reading, nanoseconds since the epoch.
        step_ns: what each further reading adds.
    """

    def __init__(self, start_ns: int = START_NS, step_ns: int = 1_000_000) -> None:
        self._readings = itertools.count(start_ns, step_ns)

    def __call__(self) -> int:
        """The next reading."""
        return next(self._readings)


class Capture(BaseDestination):
    """A destination that keeps what it gets."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.spans: list[FinishedSpan] = []
        self.started: list[SessionRecord] = []

    def consume(self, span: FinishedSpan | None, records: Sequence[Record]) -> None:
        """Keep the span and its records."""
        if span is not None:
            self.spans.append(span)
        self.records.extend(records)

    def session_started(self, record: SessionRecord) -> None:
        """Keep the pending record."""
        self.started.append(record)


@dataclass
class Kit:
    """A platform under test and what it recorded."""

    obs: ObservabilityPlatform
    capture: Capture = field(default_factory=Capture)

    def records(self, kind: str | None = None) -> list[Any]:
        """All records so far, or those of one kind, in the order they finished."""
        self.obs.flush()
        return [r for r in self.capture.records if kind is None or r.kind == kind]

    def record(self, kind: str) -> Any:
        """The only record of a kind; an AssertionError names what else there is."""
        found = self.records(kind)
        if len(found) != 1:
            raise AssertionError(f"expected one {kind}, found {len(found)}; all: {[r.kind for r in self.records()]}")
        return found[0]

    def payload(self, kind: str) -> dict[str, Any]:
        """The payload of the only record of a kind."""
        text = self.record(kind).payload
        return json.loads(text) if text else {}

    def metric(self, name: str, **labels: str) -> float | None:
        """Value of one sample of the platform's metrics, None where it does not exist."""
        self.obs.flush()
        return self.obs.registry.get_sample_value(name, labels)


@contextmanager
def recording(
    *, consumers: Sequence[Destination] = (), reraise: bool = True, counting: bool = False, **settings: Any
) -> Iterator[Kit]:
    """A platform that records into memory only.

    Args:
        consumers: further destinations.
        reraise: fail at the end if anything inside the package failed and was contained.
        counting: use `CountingIds` and a `SteppingClock`.
        settings: fields of `Settings`.
    """
    capture = Capture()
    with tempfile.TemporaryDirectory(prefix="syndarix-obs-") as home:
        chosen = {"home": Path(home), "backend": "none", "flush_interval": 0.01, "set_global": False, **settings}
        options: dict[str, Any] = {}
        if counting:
            options = {"ids": CountingIds(), "clock": SteppingClock(), "monotonic": SteppingClock(0)}
        before = guard.failures()
        obs = ObservabilityPlatform(Settings(**chosen), consumers=[capture, *consumers], **options)
        try:
            with guard.reraise_internal_errors(reraise):
                yield Kit(obs, capture)
        finally:
            obs.shutdown()
        failed = {site: n - before.get(site, 0) for site, n in guard.failures().items() if n > before.get(site, 0)}
        if reraise and failed:
            raise AssertionError(f"failures inside syndarix_obs, by site: {failed}")
