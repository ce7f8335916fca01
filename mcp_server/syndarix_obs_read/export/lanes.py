"""Spans in lanes: tracks of a viewer that shows one span inside another only while they share a track.

A span stands in its parent's lane wherever it fits: within the parent's time, and beside no sibling that overlaps it.
Otherwise it opens another lane. So within a lane everything nests as it did, and nothing is moved in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slice:
    """A span on a track. `parent` is the place of its parent among the slices; times are nanoseconds."""

    start_ns: int
    end_ns: int
    parent: int | None


def lanes(slices: Sequence[Slice]) -> tuple[int, ...]:
    """The lane of each slice, from 0. Parents come before their children."""
    found: list[int] = []
    busy: list[list[Slice]] = []
    """By lane what opened it, or came into it from elsewhere."""
    last: dict[int, int] = {}
    """When the last child of a parent, in the parent's own lane, ended."""
    for each in slices:
        lane = _beside_parent(each, slices, found, last)
        if lane is None:
            lane = _free(each, busy)
            busy[lane].append(each)
        found.append(lane)
    return tuple(found)


def _beside_parent(each: Slice, slices: Sequence[Slice], found: Sequence[int], last: dict[int, int]) -> int | None:
    if each.parent is None:
        return None
    parent = slices[each.parent]
    fits = parent.start_ns <= each.start_ns and each.end_ns <= parent.end_ns
    if not fits or each.start_ns < last.get(each.parent, parent.start_ns):
        return None
    last[each.parent] = each.end_ns
    return found[each.parent]


def _free(each: Slice, busy: list[list[Slice]]) -> int:
    for lane, taken in enumerate(busy):
        if all(other.end_ns <= each.start_ns or each.end_ns <= other.start_ns for other in taken):
            return lane
    busy.append([])
    return len(busy) - 1
