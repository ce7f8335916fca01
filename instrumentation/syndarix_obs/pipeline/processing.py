"""The worker's side of a platform: what happens to each item of the queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.foreign import Abandoned
from syndarix_obs.guard import record_failure
from syndarix_obs.pipeline.pipeline import Pipeline
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.intake import from_light, from_sdk
from syndarix_obs.spans.queue import SpanQueue, Started, weigh
from syndarix_obs.spans.span import LightSpan

_MOST_SPANS: Final = 8
"""Spans that go through the pipeline together: most of what that saves, in about the worker's turn of a millisecond."""
_MOST_BYTES: Final = 32_768
"""Bytes of their payloads, roughly: large ones take longer, and gain nothing."""


class LiveSessions:
    """Sessions of this process that have started and not ended, to put events on while they run."""

    def __init__(self) -> None:
        self._spans: dict[str, LightSpan] = {}

    def add(self, span: LightSpan) -> None:
        """A session has started."""
        self._spans[span.correlation.session_id or ""] = span

    def remove(self, span: LightSpan) -> None:
        """A session has ended."""
        self._spans.pop(span.correlation.session_id or "", None)

    def loop_detected(self, session_id: str, tool: str, count: int) -> None:
        """Mark the running session; a session of another process only has the mark on the tool call."""
        session = self._spans.get(session_id)
        if session is not None:
            session.add_event(v.EVENT_LOOP, {v.LOOP_TOOL: tool, v.LOOP_COUNT: count})


class Processing:
    """Handles the items of one platform's queue.

    Args:
        pipeline: the wired pipeline.
        live: running sessions.
        queue: where the items come from, for what it had to drop.
        on_drop: told about drops as (reason, count).
    """

    def __init__(
        self, pipeline: Pipeline, live: LiveSessions, queue: SpanQueue, on_drop: Callable[[str, int], None]
    ) -> None:
        self._pipeline = pipeline
        self._live = live
        self._queue = queue
        self._on_drop = on_drop
        self._reported: dict[str, int] = {}
        self._batch: deque[Any] = deque()
        self._finished: list[FinishedSpan] = []
        self._weight = 0

    def handle(self, item: Any) -> None:
        """Process one item: a light span, a started session, a span of the SDK, or a task for the pipeline.

        Spans wait here until they are a few, at most until the round is over; the order is kept.
        """
        if isinstance(item, LightSpan):
            if item.attributes.get(v.KIND) == v.KIND_SESSION:
                self._session_ended(item)
            else:
                self._gather(item, weigh(item.payload) if item.payload else 0)
        elif isinstance(item, Started):
            self._settle()
            self._session_started(item.span)
        elif callable(item):
            self._settle()
            item(self._pipeline)
        else:
            self._gather(item, 0)

    def _gather(self, item: Any, weight: int) -> None:
        self._batch.append(item)
        self._weight += weight
        if len(self._batch) >= _MOST_SPANS or self._weight >= _MOST_BYTES:
            self._settle()

    def _settle(self) -> None:
        """Process what waits."""
        if self._batch or self._finished:
            self._weight = 0
            while self._batch:
                span = _finished(self._batch.popleft())  # taken first, so that nobody tries it again if it hangs
                if span is not None:
                    self._finished.append(span)
            finished, self._finished = self._finished, []
            self._pipeline.process(finished)

    def resume(self) -> None:
        """Go on where another thread hung in the caller's code: what it hung on is dropped and counted."""
        self._on_drop("hung", self._pipeline.resume() or 1)
        self._settle()

    def _session_ended(self, span: LightSpan) -> None:
        self._settle()  # a loop in there puts an event on the session, which must still be known and not yet read
        self._live.remove(span)
        self._gather(span, 0)
        self._settle()

    def _session_started(self, span: LightSpan) -> None:
        self._live.add(span)
        view = from_light(span)
        view.payload = {}
        self._pipeline.session_started(view)

    def tick(self) -> None:
        """A round is over: process what waits, let destinations commit, report what the queue had to drop."""
        self._settle()
        self._pipeline.tick()
        for reason, count in list(self._queue.dropped.items()):
            new = count - self._reported.get(reason, 0)
            if new:
                self._reported[reason] = count
                self._on_drop(reason, new)

    def flush(self, timeout: float) -> bool:
        """Bring everything processed so far to safety."""
        self.tick()
        return self._pipeline.flush(timeout)

    def close(self, timeout: float) -> None:
        """Flush and release."""
        self._pipeline.close(timeout)


def _finished(item: Any) -> FinishedSpan | None:
    try:
        span = from_light(item) if isinstance(item, LightSpan) else from_sdk(*item)
        return span if span.counted else None
    except Abandoned:
        raise
    except BaseException as error:  # noqa: BLE001 - one bad span must not stop the others
        record_failure("process", error)
        return None
