"""Simulated time: model and tool latencies pass without being waited for.

The demo's agents and their fake provider run on loopback, where everything takes a few milliseconds. The
clock adds the seconds that a real model or tool would have taken, so that traces look as they do in real life
while fifty sessions still finish in seconds, and it lets sessions lie in the past, so that there are daily
costs to look at.
"""

from __future__ import annotations

import logging
import time


class DemoClock:
    """A wall clock and a duration clock that run on together and can be moved forward.

    Args:
        start_ns: wall time to begin at, nanoseconds since the epoch; now by default.
    """

    def __init__(self, start_ns: int | None = None) -> None:
        self._skipped_ns = 0
        self._base_ns = 0
        self.jump_to(time.time_ns() if start_ns is None else start_ns)

    def monotonic(self) -> int:
        """Nanoseconds for durations; never goes back."""
        return time.perf_counter_ns() + self._skipped_ns

    def wall(self) -> int:
        """Nanoseconds since the epoch in simulated time."""
        return self._base_ns + self.monotonic()

    def skip(self, seconds: float) -> None:
        """Let simulated seconds pass at once."""
        self._skipped_ns += round(max(0.0, seconds) * 1e9)

    def jump_to(self, wall_ns: int) -> None:
        """Set the wall clock; durations are not affected. Nothing may be running meanwhile."""
        self._base_ns = wall_ns - self.monotonic()

    def stamp(self, record: logging.LogRecord) -> bool:
        """A logging filter: lines carry simulated time, like the spans they were logged in."""
        record.created = self.wall() / 1e9
        return True
