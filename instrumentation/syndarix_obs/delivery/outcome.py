"""What a destination said to one request, whatever its protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from syndarix_obs.delivery.frames import Frame

TEXT_KEPT: Final = 300
"""Characters of an answer that are kept for the log: enough to mend a setting, too few to quote a payload."""


class Kind(Enum):
    """What to do about it."""

    DELIVERED = "delivered"
    """It is there."""
    LATER = "later"
    """Not now: overloaded, down, hanging. Try the same again."""
    REFUSED = "refused"
    """It takes nothing from us as things are: credentials or address are wrong. Keep everything, try now and then."""
    TOO_LARGE = "too large"
    """The request, or a record in it, is larger than it takes."""
    REJECTED = "rejected"
    """Something in the request is not acceptable to it, by its own words."""
    STALE = "stale"
    """The time of a record is outside of what it takes; `server_ns` is the time over there."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to one request.

    Args:
        kind: what to do about it.
        reason: short text for the log.
        retry_after_s: seconds that the destination asked us to wait.
        rejected: records of a delivered request that it did not take.
        truncated: records that the destination object itself shortened before it sent them.
        failing: the answer was that the destination itself failed, which may be one record's fault.
        server_ns: the destination's clock, nanoseconds since the epoch; 0 when it did not say.
    """

    kind: Kind
    reason: str = ""
    retry_after_s: float | None = None
    rejected: int = 0
    truncated: int = 0
    failing: bool = False
    server_ns: int = 0


DELIVERED: Final = Outcome(Kind.DELIVERED)


class Destination(Protocol):
    """Where a sender sends. One thread calls it."""

    name: str
    """Label of its metrics and name of its spool."""
    max_request_bytes: int
    """Frames are grouped up to this size."""

    def send(self, frames: Sequence[Frame], timeout: float) -> Outcome:
        """Send frames as one request; does not raise for anything that the network may do."""
        ...

    def shorten(self, frame: Frame, keep: int) -> Frame | None:
        """Cut the frame's texts to `keep` bytes and say so in it; None when there is nothing to cut."""
        ...

    def name_of(self, frame: Frame) -> str:
        """What to call a frame in the log: kind and id, nothing of its content."""
        ...

    def reset(self) -> None:
        """Forget connections: they are closed, or belong to the parent of a fork."""
        ...
