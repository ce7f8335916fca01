"""Stretches of a sequence that come several times in a row, found and put together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

LONGEST: Final = 8
"""Elements of the longest stretch that is looked for."""


@dataclass(frozen=True, slots=True)
class Block(Generic[T]):
    """A stretch that comes `times` times in a row; `parts` has for each place in it the elements of all rounds."""

    parts: tuple[tuple[T, ...], ...]

    @property
    def times(self) -> int:
        """How often it comes."""
        return len(self.parts[0])


def collapse(
    items: Sequence[T], *, key: Callable[[T], Hashable], alone: Callable[[T], bool] = lambda _item: False
) -> list[Block[T]]:
    """A sequence as blocks: the shortest stretch that comes again right away is one, everything else stands alone.

    Args:
        key: two elements with the same key are repeats of one another.
        alone: elements that are never put together.
    """
    keys = [None if alone(item) else (key(item),) for item in items]
    found: list[Block[T]] = []
    at = 0
    while at < len(items):
        length, times = _repeat(keys, at)
        rows = range(at, at + length)
        found.append(Block(tuple(tuple(items[row + n * length] for n in range(times)) for row in rows)))
        at += length * times
    return found


def _repeat(keys: Sequence[tuple[Hashable] | None], at: int) -> tuple[int, int]:
    """Length and number of the repeats that begin here; the shortest stretch wins."""
    for length in range(1, LONGEST + 1):
        first = keys[at : at + length]
        if len(first) < length or None in first:
            break
        times = 1
        while keys[at + times * length : at + (times + 1) * length] == first:
            times += 1
        if times > 1:
            return length, times
    return 1, 1
