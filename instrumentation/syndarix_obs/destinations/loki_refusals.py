"""Which lines of a push Loki refused, worked out from its answer.

Loki answers 400 and stores the other lines. Sending those again is not free of harm: it drops exact duplicates only
while they are in the block that it is filling, and its metric queries count those that got through. So wherever the
answer tells how many lines were refused, and we can tell which, only they are sent again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from syndarix_obs.delivery.frames import Frame
from syndarix_obs.delivery.http import Reply
from syndarix_obs.destinations.loki_push import line_bytes

_STALE = re.compile(rb"too far behind|too old|too new|out of order", re.I)
_KIND = re.compile(rb"(\d+) errors like: ")
_IGNORED = re.compile(rb"total ignored: (\d+) out of (\d+) for stream")
_OLDEST = re.compile(rb"oldest acceptable timestamp is: ([0-9T:.+Z-]+)")
_MAX_LINE = re.compile(rb"max entry size '(\d+)' bytes exceeded", re.I)
_SECOND: Final = 1_000_000_000
GRACE_NS: Final = 600 * _SECOND
"""How far ahead of its clock Loki takes lines."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a 400 of Loki says.

    Args:
        stale: some line was out of time.
        oldest_ns: time before which lines were refused; 0 when it does not say.
        now_ns: Loki's clock; 0 when it does not say.
        max_line: bytes that a line may have; 0 when that was not the matter.
        kinds: how many kinds of refusals the answer names.
        count: how many lines were refused; 0 when it does not say.
        total: how many lines that count is of; 0 when it is of all that were sent.
    """

    stale: bool
    oldest_ns: int
    now_ns: int
    max_line: int
    kinds: int
    count: int
    total: int

    def out_of_time(self, frames: Sequence[Frame]) -> list[Frame]:
        """The frames that were refused for their time."""
        if not self.stale or not self.now_ns:
            return []
        latest = self.now_ns + GRACE_NS
        return [frame for frame in frames if frame.time_ns < self.oldest_ns or frame.time_ns > latest]

    def accounts_for(self, refused: Sequence[Frame], frames: Sequence[Frame]) -> bool:
        """Whether these and no others of what was sent were refused, so that the rest is stored."""
        return self.count == len(refused) > 0 and self.total in {0, len(frames)}


def refusal(reply: Reply) -> Refusal | None:
    """Read an answer; None when it is not a refusal of single lines that we know."""
    body = reply.body
    stale, too_long = _STALE.search(body), _MAX_LINE.search(body)
    if reply.status != 400 or not (stale or too_long):
        return None
    oldest, ignored = _OLDEST.search(body), _IGNORED.search(body)
    counts = [int(count) for count in _KIND.findall(body)]
    return Refusal(
        stale=stale is not None,
        oldest_ns=_nanoseconds(oldest[1]) if oldest else 0,
        now_ns=reply.server_ns,
        max_line=int(too_long[1]) if too_long else 0,
        kinds=len(counts),
        count=int(ignored[1]) if ignored else sum(counts),
        total=int(ignored[2]) if ignored else 0,
    )


def longer_than(frames: Sequence[Frame], limit: int) -> list[Frame]:
    """Frames whose line has more bytes than that."""
    return [frame for frame in frames if line_bytes(frame) > limit]


def _nanoseconds(text: bytes) -> int:
    try:
        return int(datetime.fromisoformat(text.decode("ascii", "replace")).timestamp()) * _SECOND
    except ValueError:
        return 0
