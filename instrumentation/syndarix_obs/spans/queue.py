"""The hand-over between the agent's threads and the worker: bounded by count and by bytes.

Handing over waits for nobody. Only while thousands of spans wait does it let go of the interpreter lock now and then.

When it is full, a span first loses its payload and only then is dropped; both are counted. Sizes are rough on purpose:
looking at every byte would cost the caller more than the bound is worth.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from syndarix_obs.spans.span import LightSpan

_ASSUMED_BYTES = 256
_SPAN_BYTES = 1024
_LOOK_AT = 32
_PAUSE_S = 0.002
_PAUSE_EVERY_S = 0.005
"""So often a crowded queue asks for the interpreter lock: the worker then keeps up with what arrives."""


def weigh(payload: dict[str, Any]) -> int:
    """Rough size of a payload in bytes, from the lengths of its strings; long lists are extrapolated."""
    total = 0
    for value in payload.values():
        kind = type(value)
        if kind is str:
            total += len(value)
        elif kind is list:
            total += _weigh_list(value)
        else:
            total += _ASSUMED_BYTES
    return total


def _weigh_list(items: list[Any]) -> int:
    total = 0
    looked_at = items if len(items) <= _LOOK_AT else items[-_LOOK_AT:]
    for item in looked_at:
        content = item.get("content") if type(item) is dict else item
        total += len(content) if type(content) is str else _ASSUMED_BYTES
    return total * len(items) // max(1, len(looked_at))


class Started:
    """A session that has just started, on its way to the worker."""

    __slots__ = ("span",)

    def __init__(self, span: LightSpan) -> None:
        self.span = span


class SpanQueue:
    """Ended spans waiting for the worker.

    Args:
        max_spans: most spans that may wait.
        max_bytes: most payload bytes that may wait, roughly.
        wake_at: length from which the worker is woken before its interval is over.
        crowded_at: length from which the agent's thread makes room for the worker.
        pause: how it does so; takes seconds (tests).
    """

    def __init__(
        self,
        max_spans: int = 50_000,
        max_bytes: int = 64 * 1024 * 1024,
        wake_at: int = 512,
        crowded_at: int = 4_096,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.max_spans = max_spans
        self.max_bytes = max_bytes
        self.wake_at = wake_at
        self.crowded_at = crowded_at
        self.wake = threading.Event()
        self.dropped: Counter[str] = Counter()
        self._items: deque[tuple[Any, int]] = deque()
        self._bytes = 0
        self._pause = pause
        self._next_pause = 0.0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, span: LightSpan) -> None:
        """Hand over an ended span (or anything else the worker knows), at once unless the queue is crowded."""
        payload = span.payload
        weight = _SPAN_BYTES
        if payload:
            weight += weigh(payload)
            if self._bytes + weight > self.max_bytes:
                span.payload = None
                weight = _SPAN_BYTES
                self.dropped["payload_queue_full"] += 1
        waiting = len(self._items)
        if waiting >= self.max_spans:
            self.dropped["queue_full"] += 1
            return
        self._bytes += weight
        self._items.append((span, weight))
        if waiting >= self.wake_at:
            if not self.wake.is_set():
                self.wake.set()
            if waiting >= self.crowded_at:
                self._give_way()

    def _give_way(self) -> None:
        """Let go of the interpreter lock for a moment, now and then.

        A thread that computes without end and lets go of that lock only for instants takes it back before a waiting
        thread has woken up. CPython then never asks it to hand the lock over, and the worker gets nothing done for as
        long as that lasts. An agent that waits for a network never comes here.
        """
        now = time.monotonic()
        if now >= self._next_pause:
            self._next_pause = now + _PAUSE_EVERY_S
            self._pause(_PAUSE_S)

    def put_first_class(self, item: Any) -> None:
        """Hand over something small that must not be dropped, for example a started session."""
        self._items.append((item, 0))

    def take(self) -> Any | None:
        """The oldest item, or None; for the one worker."""
        try:
            item, weight = self._items.popleft()
        except IndexError:
            return None
        # += from several threads may lose an update; the count is rough and starts afresh whenever the queue is empty.
        self._bytes = max(0, self._bytes - weight) if self._items else 0
        return item

    def forget(self) -> None:
        """Empty the queue without processing: after a fork the items belong to the parent."""
        self._items = deque()
        self._bytes = 0
        self.wake = threading.Event()
