"""What a sender has in hand: frames peeked from the spool, cut into requests, and which of them were delivered.

Frames go in order. Refused ones stand aside, and others are delivered before them; the spool learns of those when
everything ahead of them is done, or when the refused ones are written again behind everything that waits, so that its
note of what was delivered stays one position.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from syndarix_obs.delivery.frames import Frame
from syndarix_obs.delivery.spool import Spool

_NO_LIMIT: Final = 1 << 30
_GOLDEN: Final = 0.618034


class Outbox:
    """The frames between spool and destination.

    Args:
        spool: where they wait.
        max_bytes: how much goes into one request.
        was_refused: whether a frame that comes from the spool was refused before.
    """

    def __init__(self, spool: Spool, max_bytes: int, was_refused: Callable[[Frame], bool]) -> None:
        self._spool = spool
        self._max_bytes = max_bytes
        self._was_refused = was_refused
        self._frames: deque[Frame] = deque()
        self._done: set[int] = set()
        self._refused: dict[int, Frame] = {}
        self._limit = _NO_LIMIT
        self._moved = 0

    @property
    def empty(self) -> bool:
        """Whether nothing is in hand."""
        return not self._frames

    @property
    def refused(self) -> list[Frame]:
        """Those in hand that were refused."""
        return list(self._refused.values())

    def fill(self) -> None:
        """Take what waits longest."""
        self._take(self._spool.peek(self._max_bytes))

    def _take(self, frames: list[Frame]) -> None:
        self._frames.extend(frames)
        self._refused.update((id(frame), frame) for frame in frames if self._was_refused(frame))

    def group(self) -> list[Frame]:
        """The first frames that were never refused, as many as one request may hold; empty when there is none."""
        group: list[Frame] = []
        size = 0
        for frame in self._frames:
            if id(frame) in self._done or id(frame) in self._refused:
                continue
            size += frame.bytes
            if group and (size > self._max_bytes or len(group) >= self._limit):
                break
            group.append(frame)
        if group:
            self._moved = 0
        return group

    def probe(self, turn: int) -> list[Frame]:
        """One frame from anywhere, while those in front are refused: in turns the newest, and one from between."""
        if turn % 2:
            self.look_again()
        skipped = self._done | self._refused.keys()
        fresh = [frame for frame in self._frames if id(frame) not in skipped]
        return [fresh[-1 if turn % 2 else int(len(fresh) * (turn * _GOLDEN % 1))]] if fresh else []

    def look_again(self) -> None:
        """More may have come behind what is in hand. What is peeked again has the same places."""
        in_hand = sum(frame.size for frame in self._frames)
        if self._spool.waiting_bytes <= in_hand:
            return
        again = self._spool.peek(self._max_bytes + in_hand)
        if not again or (again[0].key, again[0].size) != (self._frames[0].key, self._frames[0].size):
            # The segment cannot be read any more, and the spool gave it up.
            self._clear()
            self._take(again)
        else:
            self._take(again[len(self._frames) :])

    def move_refused_last(self) -> bool:
        """Let the refused ones, when they alone are left in hand, wait again behind everything else.

        True when that was done and there may be others to send now. It is not done without a reason, as they are
        written anew: something is done behind them, as much as they are, or more waits than is in hand.
        """
        in_hand = sum(frame.size for frame in self._frames)
        refused = sum(frame.size for frame in self._refused.values())
        waiting = self._spool.waiting_bytes
        # Each once, and no further round while all that waits was refused.
        if not (in_hand >= 2 * refused or (waiting > in_hand and self._moved <= waiting)):
            return False
        self._moved += refused
        self._put_back(self.refused)
        self.fill()
        return True

    def settle(self) -> None:
        """The end: have the spool note everything that is done, also behind what is not."""
        if self._done:
            self._put_back([frame for frame in self._frames if id(frame) not in self._done])

    def _put_back(self, frames: list[Frame]) -> None:
        self._spool.put_last(frames, list(self._frames))
        self._clear()

    def _clear(self) -> None:
        self._frames.clear()
        self._done.clear()
        self._refused.clear()

    def halve(self, group: list[Frame]) -> None:
        """Let the next group have half as many frames as this one."""
        self._limit = max(1, len(group) // 2)

    def stand_aside(self, frame: Frame) -> None:
        """This one was refused."""
        self._refused[id(frame)] = frame

    def replace(self, frame: Frame, other: Frame) -> None:
        """Put another frame in the place of one."""
        place = next(place for place, each in enumerate(self._frames) if each is frame)
        self._frames[place] = other
        if self._refused.pop(id(frame), None) is not None:
            self._refused[id(other)] = other

    def done(self, group: list[Frame]) -> None:
        """These are delivered, or given up; the next group may have more frames again."""
        for frame in group:
            self._done.add(id(frame))
            self._refused.pop(id(frame), None)
        self._limit = min(_NO_LIMIT, self._limit * 2)
        front = []
        while self._frames and id(self._frames[0]) in self._done:
            front.append(self._frames.popleft())
        self._done.difference_update(map(id, front))
        if front:
            self._spool.ack(front)
