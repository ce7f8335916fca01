"""The way of one span: steps in order, then records, then whoever wants them. Runs on the worker only."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs.consumers import Consumer
from syndarix_obs.conversion import from_span
from syndarix_obs.finished import FinishedSpan, Step
from syndarix_obs.guard import record_failure
from syndarix_obs.records import Record, SessionRecord
from syndarix_obs.resource import Resource
from syndarix_obs.sampling import TailSampler

_SAFE_VALUES = frozenset(v.LLM_OPERATIONS) | set(v.KINDS) | {v.OPERATION_EXECUTE_TOOL, v.OPERATION_INVOKE_AGENT}


class Pipeline:
    """Steps, metrics, sampling and consumers, wired by `runtime.py`.

    Args:
        steps: name and step, in order.
        gate: names of the steps without which a span's texts must not leave: when one fails, the texts are removed.
        resource: the emitting process.
        measure: the consumer that sees every span, before sampling.
        consumers: the destinations, after sampling.
        sampling: arguments of the tail sampler.
    """

    def __init__(
        self,
        steps: Sequence[tuple[str, Step]],
        *,
        gate: frozenset[str],
        resource: Resource,
        measure: Consumer,
        consumers: Sequence[Consumer],
        sampling: dict[str, float],
    ) -> None:
        self._steps = tuple(steps)
        self._gate = gate
        self._resource = resource
        self._measure = measure
        self.consumers = tuple(consumers)
        self._sampler = TailSampler(self._forward, **sampling)

    def process(self, span: FinishedSpan) -> None:
        """Take one finished span all the way."""
        self._refine(span)
        records = from_span(span, self._resource)
        self._each((self._measure,), lambda c: c.consume(span, records))
        self._sampler.offer(span, records)

    def session_started(self, span: FinishedSpan) -> None:
        """Tell everybody about a session that has started; it takes the same gate as finished spans."""
        self._refine(span)
        record = from_span(span, self._resource)[0]
        if isinstance(record, SessionRecord):
            object.__setattr__(record, "status", v.STATUS_RUNNING)  # not handed out yet
            self._each((self._measure, *self.consumers), lambda c: c.session_started(record))

    def emit(self, record: Record) -> None:
        """Pass on a record that is not a span's, for example an application log line."""
        self._forward(None, (record,))

    def tick(self) -> None:
        """One round is over."""
        self._each((self._measure, *self.consumers), lambda c: c.tick())

    def flush(self, timeout: float) -> bool:
        """Bring everything to safety within `timeout` seconds for all destinations together."""
        self._sampler.flush()
        safe: list[bool] = []
        left = _countdown(timeout)
        self._each(self.consumers, lambda c: safe.append(c.flush(left())))
        return len(safe) == len(self.consumers) and all(safe)

    def close(self, timeout: float) -> None:
        """Flush and release everything within `timeout` seconds for all destinations together."""
        self._sampler.flush()
        left = _countdown(timeout)
        self._each((self._measure, *self.consumers), lambda c: c.close(left()))

    def _refine(self, span: FinishedSpan) -> None:
        for name, step in self._steps:
            try:
                step(span)
            except Exception as error:  # noqa: BLE001 - contained, counted, and made safe below
                record_failure(name, error)
                if name in self._gate:
                    _remove_texts(span)

    def _forward(self, span: FinishedSpan | None, records: Sequence[Record]) -> None:
        self._each(self.consumers, lambda c: c.consume(span, records))

    def _each(self, consumers: Sequence[Consumer], action: Callable[[Consumer], Any]) -> None:
        for consumer in consumers:
            try:
                action(consumer)
            except Exception as error:  # noqa: BLE001 - one destination must not take the others down
                record_failure(type(consumer).__name__, error)


def _countdown(timeout: float) -> Callable[[], float]:
    """What is left of `timeout` seconds from now on; a destination that hangs must not take all, so never nothing."""
    deadline = time.monotonic() + timeout
    return lambda: max(0.05, deadline - time.monotonic())


def _remove_texts(span: FinishedSpan) -> None:
    """What could not be looked at does not leave: only numbers and names of ours stay."""
    span.payload.clear()
    span.payload_json = None
    span.name = "[unreadable]"
    span.status_message = None
    span.events = []
    span.attributes = {
        key: value
        for key, value in span.attributes.items()
        if isinstance(key, str) and (isinstance(value, (bool, int, float)) or _is_safe(value))
    }


def _is_safe(value: Any) -> bool:
    return isinstance(value, str) and value in _SAFE_VALUES
