"""The one background thread of a platform: takes ended spans from the queue and drives the pipeline.

It starts with the first span, restarts in forked children, gives the interpreter lock away every millisecond so that
the agent never waits for a whole batch, and answers flush requests in queue order. A watchdog looks after it: code of
the caller's that does not come back costs the value or the record, never the worker.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Protocol

from syndarix_obs.foreign import Abandoned, Mark, watched_by
from syndarix_obs.guard import record_failure
from syndarix_obs.pipeline.children import at_the_end
from syndarix_obs.pipeline.watchdog import Watchdog
from syndarix_obs.spans.queue import SpanQueue

_FORK_WAIT_S = 1.0
_DRAIN_LIMIT_S = 20.0
_DRAIN_LOOK_S = 0.25
_LEAST_FLUSH_S = 0.5
_TURN_S = 0.001
"""How long the worker keeps the interpreter lock; a waiting agent thread then gets it long before its 5 ms are due."""


class Processor(Protocol):
    """What the worker drives."""

    def handle(self, item: Any) -> None:
        """Process one item of the queue."""
        ...

    def tick(self) -> None:
        """A round is over."""
        ...

    def resume(self) -> None:
        """Go on in place of a thread that hung in code of the caller's."""
        ...

    def flush(self, timeout: float) -> bool:
        """Bring everything processed so far to safety."""
        ...

    def close(self, timeout: float) -> None:
        """Flush and release."""
        ...


class _Request:
    """A flush or close that waits its turn in the queue."""

    __slots__ = ("close", "deadline", "done", "result")

    def __init__(self, timeout: float, close: bool) -> None:
        self.deadline = time.monotonic() + timeout
        self.close = close
        self.done = threading.Event()
        self.result = False


class Worker:
    """Owns the thread.

    Args:
        queue: where ended spans wait.
        build: makes the processor; called on the worker; imports nothing.
        interval: seconds between two rounds.
    """

    def __init__(self, queue: SpanQueue, build: Callable[[], Processor], interval: float) -> None:
        self._queue = queue
        self._build = build
        self._interval = interval
        self._lock = threading.Lock()
        self._busy = self._held = threading.Lock()
        self._reset()
        _workers.add(self)

    def _reset(self) -> None:
        self._thread: threading.Thread | None = None
        self._watchdog: Watchdog | None = None
        self._mark = Mark()
        self._processor: Processor | None = None
        self._answering: _Request | None = None
        self.running = False

    def start(self) -> None:
        """Start the thread unless it runs; cheap to call again.

        Where no thread can be started (too many, or the interpreter is ending) what comes waits in the queue: the next
        span tries again, and closing does the work itself.
        """
        try:
            with self._lock:
                if not self.running:
                    self._start()
        except RuntimeError as error:
            record_failure("worker.start", error)

    def _start(self) -> None:
        self._watchdog = Watchdog(self._replace)
        self._begin(resume=False)
        self.running = True
        at_the_end(self.request)  # first: what follows may find that no thread can be started
        self._watchdog.start()

    def _begin(self, *, resume: bool) -> None:
        self._mark = Mark()
        self._thread = threading.Thread(
            target=self._run, args=(self._mark, resume), name="syndarix-obs", daemon=True
        )
        if self._watchdog is not None:
            self._watchdog.look_after(self._thread, self._mark)
        self._thread.start()

    def _replace(self, why: str) -> None:
        """Another thread takes over; on the watchdog's thread."""
        self._mark.abandoned = True
        self._busy = threading.Lock()  # the other one is held by a thread that may never come back
        if self.running:
            record_failure("worker", RuntimeError(why))
            self._begin(resume=True)

    def request(self, timeout: float, *, close: bool = False) -> bool:
        """Flush (and end) the worker, waiting at most `timeout` seconds; True when all is safe.

        Closing does the work on the caller's thread when no thread could be started for it.
        """
        if not self.running and (not close or not len(self._queue)):
            return not len(self._queue)
        request = _Request(timeout, close)
        self._queue.put_first_class(request)
        if not self.running:
            self._run(Mark(), resume=False)
            return request.result
        self._queue.wake.set()
        finished = request.done.wait(timeout) or (close and self._wait_while_draining(request))
        return finished and request.result

    def _wait_while_draining(self, request: _Request) -> bool:
        """After a burst the queue holds more than the time to close allows for: no span may be lost to that.

        What waits in the queue is on no disk yet, and bringing it there needs no destination. So closing takes longer
        for as long as the queue gets shorter.
        """
        until, left = time.monotonic() + _DRAIN_LIMIT_S, len(self._queue) + 1
        while 0 < len(self._queue) < left and time.monotonic() < until:
            left = len(self._queue)
            request.done.wait(_DRAIN_LOOK_S)
        return request.done.is_set() or request.done.wait(_LEAST_FLUSH_S + _DRAIN_LOOK_S)

    def before_fork(self) -> bool:
        """Wait until the thread holds no lock: in the child nobody would ever let go of it."""
        self._held = self._busy  # which may be another one when the fork is over
        return self._held.acquire(timeout=_FORK_WAIT_S)

    def after_fork_in_parent(self) -> None:
        """Let the thread go on."""
        self._held.release()

    def after_fork_in_child(self) -> None:
        """In a forked child the thread is gone and what waited belongs to the parent."""
        self._lock = threading.Lock()
        self._busy = threading.Lock()
        self._reset()
        self._queue.forget()

    def _run(self, mark: Mark, resume: bool) -> None:
        watched_by(mark)
        while not mark.abandoned:
            try:
                if resume:
                    resume = False
                    self._take_over()
                if self._processor is None:
                    with self._busy:
                        self._processor = self._built()
                self._queue.wake.wait(self._interval)
                self._queue.wake.clear()
                if self._round(self._processor):
                    return
            except Abandoned:
                return
            except BaseException as error:  # noqa: BLE001 - nothing may end the worker but its owner
                record_failure("worker", error)

    def _take_over(self) -> None:
        """Do what the thread before this one was doing."""
        if self._processor is not None:
            with self._busy:
                self._processor.resume()
        request, self._answering = self._answering, None
        if request is not None:
            self._queue.put_first_class(request)
            self._queue.wake.set()

    def _built(self) -> Processor:
        try:
            return self._build()
        except BaseException as error:  # noqa: BLE001 - the agent must not notice
            record_failure("start", error)
            return _Discard()

    def _round(self, processor: Processor) -> bool:
        """Everything that waits; True when the worker has been told to end."""
        take, now = self._queue.take, time.monotonic
        turn_ends = now() + _TURN_S
        while (item := take()) is not None:
            if type(item) is _Request:
                if self._answer(item, processor):
                    return True
                continue
            with self._busy:
                self._handle(item, processor)
            if now() >= turn_ends:
                time.sleep(0)
                turn_ends = now() + _TURN_S
        with self._busy:
            self._tick(processor)
        return False

    def _tick(self, processor: Processor) -> None:
        try:
            processor.tick()
        except Abandoned:
            raise
        except BaseException as error:  # noqa: BLE001 - the next round may succeed
            record_failure("tick", error)

    def _handle(self, item: Any, processor: Processor) -> None:
        try:
            processor.handle(item)
        except Abandoned:
            raise
        except BaseException as error:  # noqa: BLE001 - one bad span must not stop the others
            record_failure("process", error)

    def _answer(self, request: _Request, processor: Processor) -> bool:
        least = _LEAST_FLUSH_S if request.close else 0.0
        remaining = max(least, request.deadline - time.monotonic())
        self._answering = request
        try:
            request.result = processor.flush(remaining)
            if request.close:
                processor.close(max(0.1, request.deadline - time.monotonic()))
        except Abandoned:
            raise
        except BaseException as error:  # noqa: BLE001 - the caller waits for an answer in any case
            record_failure("flush", error)
        self._answering = None
        if request.close:
            self.running = False
            if self._watchdog is not None:
                self._watchdog.stop()
        request.done.set()
        return request.close


class _Discard:
    """Takes the processor's place when that could not be built; the failure has been counted and logged."""

    def handle(self, item: Any) -> None:
        """Drop the item."""

    def tick(self) -> None:
        """Nothing to do."""

    def resume(self) -> None:
        """Nothing to go on with."""

    def flush(self, timeout: float) -> bool:  # noqa: ARG002 - part of the protocol
        """Nothing is safe."""
        return False

    def close(self, timeout: float) -> None:
        """Nothing to release."""


_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


_paused: list[Worker] = []


def _before_fork() -> None:
    _paused[:] = [worker for worker in list(_workers) if worker.before_fork()]


def _after_fork_in_parent() -> None:
    for worker in _paused:
        worker.after_fork_in_parent()
    _paused.clear()


def _after_fork_in_child() -> None:
    _paused.clear()
    for worker in list(_workers):
        worker.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
    )
