"""What a sender has in hand: frames peeked from the spool, cut into requests, and which of them were delivered.

Frames go in order. Where one stands in the way, others may be delivered before it; the spool learns of those when
everything ahead of them is done, so that its note of what was delivered stays one position.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Final

from syndarix_obs.delivery.frames import Frame
from syndarix_obs.delivery.spool import Spool

_NO_LIMIT: Final = 1 << 30


class Outbox:
    """The frames between spool and destination.

    Args:
        spool: where they wait.
        max_bytes: how much goes into one request.
    """

    def __init__(self, spool: Spool, max_bytes: int) -> None:
        self._spool = spool
        self._max_bytes = max_bytes
        self._frames: deque[Frame] = deque()
        self._early: set[int] = set()
        self._limit = _NO_LIMIT

    @property
    def empty(self) -> bool:
        """Whether nothing is in hand."""
        return not self._frames

    @property
    def first(self) -> Frame:
        """What waits longest; it is never among the delivered ones."""
        return self._frames[0]

    def fill(self) -> None:
        """Take what waits longest."""
        self._frames.extend(self._spool.peek(self._max_bytes))

    def group(self) -> list[Frame]:
        """The first frames, as many as one request may hold; at least one."""
        group: list[Frame] = []
        size = 0
        for frame in self._frames:
            if id(frame) in self._early:
                continue
            size += frame.bytes
            if group and (size > self._max_bytes or len(group) >= self._limit):
                break
            group.append(frame)
        return group

    def others(self) -> list[Frame]:
        """What may be sent while the first is not taken: what belongs with it over there, or else anything."""
        found = self._behind_first()
        if not found:
            self._look_again()
            found = self._behind_first()
        return [frame for frame in found if frame.key == self.first.key] or found

    def _behind_first(self) -> list[Frame]:
        return [frame for frame in islice(self._frames, 1, None) if id(frame) not in self._early]

    def _look_again(self) -> None:
        """More may have come behind what is in hand. What is peeked again has the same places."""
        in_hand = sum(frame.size for frame in self._frames)
        again = self._spool.peek(self._max_bytes + in_hand)
        if not again or again[0].before != self.first.before:
            # The segment cannot be read any more, and the spool gave it up.
            self._frames, self._early = deque(again), set()
        elif len(again) > len(self._frames):
            early = {id(new) for new, old in zip(again, self._frames, strict=False) if id(old) in self._early}
            self.first.size = again[0].size
            self._frames, self._early = deque([self.first, *again[1:]]), early

    def put_first_last(self) -> bool:
        """Let the first, if it alone is left in hand, wait again behind everything else; False when nothing waits."""
        moved = not self.empty and self._spool.put_last(self.first, list(self._frames))
        if moved:
            self._frames.clear()
            self._early.clear()
        return moved

    def halve(self, group: list[Frame]) -> None:
        """Let the next group have half as many frames as this one."""
        self._limit = max(1, len(group) // 2)

    def replace(self, frame: Frame, other: Frame) -> None:
        """Put another frame in the place of one."""
        place = next(place for place, each in enumerate(self._frames) if each is frame)
        self._frames[place] = other

    def done(self, group: list[Frame]) -> None:
        """These are delivered, or given up; the next group may have more frames again."""
        self._early.update(map(id, group))
        self._limit = min(_NO_LIMIT, self._limit * 2)
        front = []
        while self._frames and id(self._frames[0]) in self._early:
            front.append(self._frames.popleft())
        self._early.difference_update(map(id, front))
        if front:
            self._spool.ack(front)
