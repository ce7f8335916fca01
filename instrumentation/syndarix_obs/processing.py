"""The worker's side of a platform: what happens to each item of the queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs.intake import from_light, from_sdk
from syndarix_obs.pipeline.pipeline import Pipeline
from syndarix_obs.queue import SpanQueue, Started
from syndarix_obs.span import LightSpan


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

    def handle(self, item: Any) -> None:
        """Process one item: a light span, a started session, a span of the SDK, or a task for the pipeline."""
        if isinstance(item, LightSpan):
            if item.attributes.get(v.KIND) == v.KIND_SESSION:
                self._live.remove(item)
            self._pipeline.process(from_light(item))
        elif isinstance(item, Started):
            self._session_started(item.span)
        elif callable(item):
            item(self._pipeline)
        else:
            self._pipeline.process(from_sdk(*item))

    def _session_started(self, span: LightSpan) -> None:
        self._live.add(span)
        view = from_light(span)
        view.attributes = dict(view.attributes)  # the session goes on: its own attributes must not be refined
        view.payload = {}
        self._pipeline.session_started(view)

    def tick(self) -> None:
        """A round is over: let destinations commit, report what the queue had to drop."""
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
