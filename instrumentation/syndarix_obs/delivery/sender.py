"""The sender of one destination: takes frames from the spool, sends them in order, and learns from the answers.

One path for good times and bad: what is not acknowledged stays in the spool. A request that is too large, or that
holds a record the destination cannot accept, is halved until the culprit stands alone; the culprit is shortened,
stamped anew or dropped, and everybody else passes. One that the destination fails on for ever is found in the same way.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Final

from syndarix_obs.delivery.backoff import REFUSED_S, Backoff
from syndarix_obs.delivery.erased import ErasedFrames
from syndarix_obs.delivery.frames import Frame
from syndarix_obs.delivery.outbox import Outbox
from syndarix_obs.delivery.outcome import Destination, Kind, Outcome
from syndarix_obs.delivery.repair import Mender
from syndarix_obs.delivery.spool import Spool
from syndarix_obs.delivery.suspicion import Suspicion
from syndarix_obs.delivery.untraced import own_requests_untraced
from syndarix_obs.delivery.waiting import Health
from syndarix_obs.guard import record_failure

ADOPT_EVERY_S: Final = 15.0
"""Seconds between two looks for what dead processes left."""

_log = logging.getLogger("syndarix_obs")

Thread = Callable[..., threading.Thread]


class Delivery:
    """Owns the sender thread of one destination.

    Args:
        spool: what waits.
        destination: where it goes.
        health: who is told about failures and drops.
        timeout: seconds until one request counts as failed.
        backoff: how long to wait after a failure.
        erased: who was erased, and how a frame loses its person.
        thread: makes the thread; where none can be started any more (at interpreter exit), `flush` sends by itself.
    """

    def __init__(
        self,
        spool: Spool,
        destination: Destination,
        health: Health,
        *,
        timeout: float = 10.0,
        backoff: Backoff | None = None,
        thread: Thread = threading.Thread,
        erased: ErasedFrames | None = None,
    ) -> None:
        self._spool = spool
        self._destination = destination
        self._health = health
        self._timeout = timeout
        self._backoff = backoff or Backoff()
        self._make_thread = thread
        self._erased = erased
        self._complained = False
        self._closing = False
        self._reset()
        _deliveries.add(self)

    def _reset(self) -> None:
        self._outbox = Outbox(self._spool, self._destination.max_request_bytes)
        self._suspicion = Suspicion()
        self._mender = Mender(self._destination, self._health)
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()
        self._attempts_failed = 0
        self._not_before = 0.0
        self._next_adoption = 0.0
        self._hurry = threading.Event()

    # --- the worker's side ---

    def start(self) -> bool:
        """Start the thread unless it runs; False when the interpreter is ending and starts none."""
        if self._thread is not None:
            return True
        name = f"syndarix-obs-{self._destination.name}"
        thread = self._make_thread(target=self._run, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._thread = thread
        return True

    def flush(self, timeout: float) -> bool:
        """Wait until what was committed is delivered; True when it is, or when it is safe on disk.

        Returns early when an attempt fails and everything is on disk: the next process will send it.
        """
        deadline = time.monotonic() + timeout
        if not self.start():
            return self._flush_here(deadline)
        failed_before = self._attempts_failed
        self._hurry.set()
        self._spool.committed.set()
        with self._changed:
            self._changed.wait_for(lambda: self._settled(failed_before), max(0.0, timeout))
        return self._spool.safe

    def _settled(self, failed_before: int) -> bool:
        if not self._spool.waiting_bytes:
            return True
        told_to_wait = self._not_before > time.monotonic()
        return self._spool.safe and (told_to_wait or self._attempts_failed > failed_before)

    def _flush_here(self, deadline: float) -> bool:
        with own_requests_untraced():
            while (left := deadline - time.monotonic()) > 0 and not self._step(min(left, self._timeout)):
                pass
        return self._spool.safe

    def close(self, timeout: float) -> None:
        """End the thread within `timeout` seconds. One that hangs in a request ends when that does, or the process."""
        self._closing = True
        self._hurry.set()
        self._spool.committed.set()
        if self._thread is None:
            self._finish()
        elif self._thread is not threading.current_thread():
            self._thread.join(max(0.0, timeout))

    def after_fork(self) -> None:
        """In a forked child: the thread is the parent's."""
        self._reset()
        self._destination.reset()

    # --- the sender's side ---

    def _run(self) -> None:
        with own_requests_untraced():
            while not self._closing:
                try:
                    wait = self._step(self._timeout)
                except Exception as error:  # noqa: BLE001 - a bug here must not end delivery
                    record_failure("delivery", error)
                    wait = self._backoff.next()
                if wait:
                    self._pause(wait)
        self._finish()

    def _finish(self) -> None:
        self._spool.close()
        self._destination.reset()

    def _pause(self, wait: float) -> None:
        waits_for_data = self._outbox.empty
        event = self._spool.committed if waits_for_data else self._hurry
        # A flush may cut our own waiting short, but not what the destination asked for.
        if not waits_for_data and self._not_before > time.monotonic():
            self._wait_as_told()
        elif not self._closing:
            event.wait(wait)
            event.clear()

    def _wait_as_told(self) -> None:
        while not self._closing and (left := self._not_before - time.monotonic()) > 0:
            self._hurry.wait(left)
            self._hurry.clear()

    def _step(self, timeout: float) -> float:
        """One request at most; seconds to wait before the next step."""
        self._erase_when_due()
        outbox = self._outbox
        if outbox.empty:
            self._adopt_when_due()
            outbox.fill()
        if outbox.empty:
            self._suspicion = Suspicion()
            self._notify()
            return ADOPT_EVERY_S
        group = self._without_erased(self._group())
        return self._settle(group, self._destination.send(group, timeout)) if group else 0.0

    def _erase_when_due(self) -> None:
        """Somebody was erased: that one must not lie in the files, however long the destination stays away."""
        if self._erased is not None and self._erased.due():
            self._spool.rewrite(self._erased.without_all)
            # What is in hand may name that one. Delivered out of order, some is sent twice, and readers count it once.
            self._outbox = Outbox(self._spool, self._destination.max_request_bytes)

    def _without_erased(self, group: list[Frame]) -> list[Frame]:
        """The group as it may be sent; what cannot lose its person is given up."""
        erased = self._erased
        if not erased or not any(erased.concerns(frame) for frame in group):
            return group
        kept = []
        for frame in group:
            without = erased.without(frame)
            if without is None:
                self._done([frame])
                continue
            frame.before, frame.payload, frame.after = without.before, without.payload, without.after
            kept.append(frame)
        return kept

    def _adopt_when_due(self) -> None:
        now = time.monotonic()
        if now >= self._next_adoption:
            self._next_adoption = now + ADOPT_EVERY_S
            self._spool.adopt()

    def _group(self) -> list[Frame]:
        """What to send next; empty when the first was put last instead, or is gone."""
        outbox, suspicion = self._outbox, self._suspicion
        if not suspicion.concerns(outbox.first):
            return outbox.group()
        if suspicion.wants_another:
            if others := outbox.others():
                return [suspicion.choose(others)]
            if not suspicion.moved and outbox.put_first_last():
                suspicion.moved = True
                return []
        return outbox.group()[:1]

    def _settle(self, group: list[Frame], outcome: Outcome) -> float:
        if outcome.truncated:
            self._health.truncated("destination", outcome.truncated)
        if outcome.kind is Kind.DELIVERED:
            return self._delivered(group, outcome)
        if outcome.kind in {Kind.LATER, Kind.REFUSED}:
            return self._failed(group, outcome)
        self._health.export_failed(self._destination.name)
        if len(group) > 1:
            self._outbox.halve(group)
            return 0.0
        return self._alone(group[0], outcome)

    def _delivered(self, group: list[Frame], outcome: Outcome) -> float:
        if outcome.rejected:
            self._health.dropped("rejected", outcome.rejected)
        self._suspicion.taken()
        self._done(group)
        self._complained = self._suspicion.active
        return 0.0

    def _done(self, group: list[Frame]) -> None:
        self._suspicion.gone(group)
        self._outbox.done(group)
        self._backoff.reset()
        self._notify()

    def _failed(self, group: list[Frame], outcome: Outcome) -> float:
        self._health.export_failed(self._destination.name)
        if outcome.failing:
            self._suspicion.failed(group)
            if self._suspicion.proven:
                return self._give_up(group[0], outcome)
            if self._suspicion.impatient:
                self._outbox.halve(group)
        else:
            self._suspicion.outage()
        return self._wait_after(outcome)

    def _wait_after(self, outcome: Outcome) -> float:
        if outcome.kind is Kind.REFUSED:
            wait = REFUSED_S
            self._complain("refuses what is sent (%s); it is kept on disk. Check address and credentials", outcome)
        else:
            wait = self._backoff.next(outcome.retry_after_s)
            self._complain("cannot be reached or is busy (%s); what is recorded waits on disk", outcome)
        if outcome.retry_after_s is not None:
            self._not_before = time.monotonic() + wait
        self._hurry.clear()
        self._attempts_failed += 1
        self._notify()
        return wait

    def _give_up(self, frame: Frame, outcome: Outcome) -> float:
        self._complained = False
        self._health.dropped("rejected")
        self._complain("fails on a record while it takes others; the record is dropped (%s)", outcome)
        self._done([frame])
        return 0.0

    def _alone(self, frame: Frame, outcome: Outcome) -> float:
        mended = self._mender.mended(frame, outcome)
        if mended is None:
            self._health.dropped("rejected")
            self._complain("does not accept a record, which is dropped (%s)", outcome)
            self._done([frame])
        elif mended is not frame:
            self._outbox.replace(frame, mended)
        return 0.0

    def _complain(self, text: str, outcome: Outcome) -> None:
        if not self._complained:
            self._complained = True
            _log.warning("syndarix-obs: %s " + text, self._destination.name, outcome.reason)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()


_deliveries: weakref.WeakSet[Any] = weakref.WeakSet()


def _after_fork() -> None:
    for delivery in list(_deliveries):
        delivery.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
