"""The sender of one destination: takes frames from the spool, sends them in order, and learns from the answers.

One path for good times and bad: what is not acknowledged stays in the spool. A request that is too large, or that
holds a record the destination does not take, is halved until the culprit stands alone. That one then waits behind all
others and is tried again now and then; `refusals` says when it is mended or given up. A destination that takes nothing
is down, whatever it answers, and everything waits.
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
from syndarix_obs.delivery.refusals import LONGEST_PAUSE_S, OUTAGE, Refusals
from syndarix_obs.delivery.repair import Mender
from syndarix_obs.delivery.spool import Spool
from syndarix_obs.delivery.untraced import own_requests_untraced
from syndarix_obs.delivery.waiting import Health
from syndarix_obs.guard import record_failure

ADOPT_EVERY_S: Final = 15.0
"""Seconds between two looks for what dead processes left."""

PATIENCE: Final = 3
"""Answers in a row that the destination failed, until a request is made smaller to see what it fails on."""
_AT_ONCE: Final = 8
"""Records in a row that may be refused until there are pauses, and others from elsewhere are tried."""
_MOST_NAMED: Final = 20
"""Records given up that are named in the log, each."""

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
        self._given_up = 0
        self._reset()
        _deliveries.add(self)

    def _reset(self) -> None:
        self._start_over()
        self._mender = Mender(self._destination, self._health)
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()
        self._attempts_failed = 0
        self._not_before = 0.0
        self._next_adoption = 0.0
        self._hurry = threading.Event()
        self._try_all = False

    def _start_over(self) -> None:
        self._refusals = Refusals(min(LONGEST_PAUSE_S, 3 * self._backoff.longest))
        self._outbox = Outbox(self._spool, self._destination.max_request_bytes, self._refusals.knows)
        self._failures_in_a_row = 0
        self._resting = False

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
        self._try_all = True
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
        self._outbox.settle()
        self._spool.close()
        self._destination.reset()

    def _pause(self, wait: float) -> None:
        waits_for_data = self._outbox.empty or self._resting
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
            if self._refusals.active:
                self._start_over()
            self._notify()
            return ADOPT_EVERY_S
        group = self._group()
        self._resting = not group
        if not group:
            self._notify()
            return max(0.01, min(ADOPT_EVERY_S, self._refusals.next_due() - time.monotonic()))
        group = self._without_erased(group)
        if not group:
            return 0.0
        return self._settle(group, self._destination.send(group, timeout))

    def _erase_when_due(self) -> None:
        """Somebody was erased: that one must not lie in the files, however long the destination stays away."""
        if self._erased is not None and self._erased.due():
            self._spool.rewrite(self._erased.without_all)
            # What is in hand may name that one. Delivered out of order, some is sent twice, and readers count it once.
            self._start_over()

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
        """What to send next; empty when only refused records are left and none of them is due."""
        outbox, refusals = self._outbox, self._refusals
        if not refusals.active:
            return outbox.group()
        if self._try_all:
            self._try_all = False
            refusals.hurry()
        # Between two tries of refused ones goes something else, as long as there is anything.
        group = [] if refusals.trying or refusals.accepted_last else self._fresh()
        if group:
            return group
        again = refusals.to_try(outbox.refused, time.monotonic())
        return [again] if again is not None else self._fresh()

    def _fresh(self) -> list[Frame]:
        """What was never refused; refused ones are moved out of its way."""
        outbox, refusals = self._outbox, self._refusals
        if refusals.streak >= _AT_ONCE and (group := outbox.probe(refusals.streak)):
            return group
        group = outbox.group()
        if not group and not outbox.empty:
            outbox.look_again()
            group = outbox.group()
        while not group and outbox.move_refused_last():
            group = outbox.group()
        return group

    def _settle(self, group: list[Frame], outcome: Outcome) -> float:
        if outcome.truncated:
            self._health.truncated("destination", outcome.truncated)
        if outcome.kind is Kind.DELIVERED:
            return self._delivered(group, outcome)
        self._health.export_failed(self._destination.name)
        if outcome.kind is Kind.REFUSED or (outcome.kind is Kind.LATER and not outcome.failing):
            self._refusals.group_refused()
            return self._wait_after(outcome)
        if outcome.failing:
            return self._failing(group, outcome)
        if len(group) > 1:
            self._outbox.halve(group)
            self._refusals.group_refused(group)
            return 0.0
        return self._alone(group[0], outcome)

    def _delivered(self, group: list[Frame], outcome: Outcome) -> float:
        if outcome.rejected:
            self._health.dropped("rejected", outcome.rejected)
            _log.warning(
                "syndarix-obs: %s took a request but for %d records, which are dropped (%s)",
                self._destination.name, outcome.rejected, outcome.reason,
            )  # fmt: skip
        # What it fails on, it fails on again: after a success within a search one failure is enough to go on with it.
        searching = self._refusals.active or self._failures_in_a_row >= PATIENCE
        self._failures_in_a_row = PATIENCE - 1 if searching else 0
        self._refusals.accepted(group)
        self._complained = False
        self._done(group)
        return 0.0

    def _done(self, group: list[Frame]) -> None:
        self._outbox.done(group)
        self._backoff.reset()
        self._notify()

    def _failing(self, group: list[Frame], outcome: Outcome) -> float:
        """It says that it failed itself. That may pass, or be one record's doing."""
        if len(group) == 1 and self._refusals.knows(group[0]):
            return self._alone(group[0], outcome)
        self._failures_in_a_row += 1
        if self._failures_in_a_row < PATIENCE:
            self._refusals.group_refused()
            return self._wait_after(outcome)
        if len(group) > 1:
            self._outbox.halve(group)
            self._refusals.group_refused(group)
            return 0.0
        return self._alone(group[0], outcome)

    def _alone(self, frame: Frame, outcome: Outcome) -> float:
        """One record was refused: mend it, give it up, or let it stand aside and see whether others pass."""
        refusals = self._refusals
        mended = self._mender.mended(frame, outcome, neighbours_pass=refusals.accepted_since(frame))
        if mended is not None:
            if mended is not frame:
                refusals.renamed(frame, mended)
                self._outbox.replace(frame, mended)
            return 0.0
        known = refusals.knows(frame)
        if refusals.refused(frame, time.monotonic(), failing=outcome.failing):
            return self._give_up(frame, outcome)
        if known:
            self._attempts_failed += not refusals.trying
            self._notify()
            return 0.0
        self._outbox.stand_aside(frame)
        if refusals.streak >= (OUTAGE if outcome.failing else _AT_ONCE):
            return self._wait_after(outcome)
        return 0.0

    def _wait_after(self, outcome: Outcome) -> float:
        if outcome.kind is Kind.REFUSED:
            wait = REFUSED_S
            self._complain("refuses what is sent (%s); it is kept on disk. Check address and credentials", outcome)
        else:
            wait = self._backoff.next(outcome.retry_after_s)
            self._complain("takes nothing just now (%s); what is recorded waits on disk", outcome)
        if outcome.retry_after_s is not None:
            self._not_before = time.monotonic() + wait
        self._hurry.clear()
        self._attempts_failed += 1
        self._notify()
        return wait

    def _give_up(self, frame: Frame, outcome: Outcome) -> float:
        self._health.dropped("rejected")
        self._given_up += 1
        if self._given_up <= _MOST_NAMED:
            _log.warning(
                "syndarix-obs: %s refuses %s again and again while it takes others of its kind; it is dropped (%s)%s",
                self._destination.name, self._destination.name_of(frame), outcome.reason,
                "" if self._given_up < _MOST_NAMED else ". Further ones are only counted",
            )  # fmt: skip
        self._refusals.gone([frame])
        self._done([frame])
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
