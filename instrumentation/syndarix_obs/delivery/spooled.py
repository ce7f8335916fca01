"""What every network destination has in common: encode on the worker, spool, let a thread of its own send."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from syndarix_obs.delivery.backoff import Backoff
from syndarix_obs.delivery.disk_budget import DiskBudget
from syndarix_obs.delivery.erased import ErasedFrames
from syndarix_obs.delivery.frames import Frame
from syndarix_obs.delivery.outcome import Destination
from syndarix_obs.delivery.sender import Delivery
from syndarix_obs.delivery.spool import Spool
from syndarix_obs.delivery.waiting import Health
from syndarix_obs.pipeline.destination import BaseDestination
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import Record
from syndarix_obs.store.tombstones import Tombstones


@dataclass(frozen=True)
class Post:
    """What the network destinations of a platform share.

    Args:
        folder: where spools lie, one folder per destination; it lies in the home folder.
        budget: disk space for all of them.
        health: who is told about drops, failures and sizes.
        timeout: seconds until one request counts as failed.
    """

    folder: Path
    budget: DiskBudget
    health: Health
    timeout: float = 10.0


class SpooledDestination(BaseDestination):
    """A destination behind a spool. Subclasses say what a span or record looks like over there.

    `flush` answers True when everything taken so far is delivered or safe on disk.
    """

    def __init__(self, destination: Destination, post: Post, backoff: Backoff | None = None) -> None:
        self.name = destination.name
        self.spool = Spool(
            post.folder / destination.name, destination.name, post.budget, post.health, destination.shorten
        )
        erased = ErasedFrames(Tombstones(post.folder.parent), self.without_person)
        self._delivery = Delivery(
            self.spool, destination, post.health, timeout=post.timeout, backoff=backoff, erased=erased
        )
        # At once, for what an earlier process left.
        self._delivery.start()

    def encoded(self, span: FinishedSpan | None, records: Sequence[Record]) -> Iterable[bytes]:
        """Encoded frames of what this destination wants of a span and its records."""
        raise NotImplementedError

    def without_person(self, frame: Frame) -> Frame | None:  # noqa: ARG002 - for subclasses
        """The frame without its person, who was erased; None when nothing of it can stay."""
        return None

    def consume(self, span: FinishedSpan | None, records: Sequence[Record]) -> None:
        """Encode and append: no I/O but a write to the page cache now and then."""
        for frame in self.encoded(span, records):
            self.spool.append(frame)

    def tick(self) -> None:
        """A round is over: bring it to disk and let the sender know."""
        self._delivery.start()
        self.spool.commit()

    def flush(self, timeout: float) -> bool:
        """Wait until all is delivered, or known to be safe on disk while the destination does not answer."""
        self.spool.commit()
        return self._delivery.flush(timeout)

    def close(self, timeout: float) -> None:
        """Flush and end within `timeout` seconds, also when the destination hangs."""
        deadline = time.monotonic() + timeout
        self.flush(timeout)
        self._delivery.close(deadline - time.monotonic())
