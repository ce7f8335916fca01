"""A trace as lanes, one for each agent: how wide a step is says how long it took, what it cost or how many tokens.

This file works out where each bar stands, as shares of the whole; `flame_view.py` draws them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from syndarix_obs import vocabulary as v
from syndarix_obs_read.answers.step import names_of
from syndarix_obs_read.answers.trace import Trace, TraceSpan

Width = Literal["time", "cost", "tokens"]
WIDTHS: Final[tuple[Width, ...]] = ("time", "cost", "tokens")
"""What the width of a bar may stand for."""
NARROW: Final = 1 / 2_000
"""Share of what is shown below which a bar is drawn together with its neighbours."""
_TOGETHER: Final = 1 / 500
"""Widest bar that stands for several steps."""
WHOLE: Final = (0.0, 1.0)
"""The window that shows everything."""
NO_AGENT: Final = "no agent"
_LEFT_OUT: Final = frozenset({v.KIND_APP})


@dataclass(slots=True)
class Bar:
    """One step, or several narrow ones beside one another; `start` and `end` are shares of what is shown, 0 to 1."""

    start: float
    end: float
    name: str
    span: TraceSpan
    steps: int = 1
    failed: bool = False


@dataclass(slots=True)
class Lane:
    """The bars of one agent, in rows: what ran within or at the same time as another stands below it."""

    agent: str
    rows: list[list[Bar]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Flame:
    """The lanes of a trace, or of a window of it. `left_out` steps have no width, such as tools when width is money."""

    width: Width
    window: tuple[float, float]
    lanes: tuple[Lane, ...]
    left_out: int


def flame(trace: Trace, width: Width, window: tuple[float, float] = WHOLE) -> Flame:
    """The lanes of a trace, in the order in which the agents began.

    Args:
        width: what the width of a bar stands for.
        window: the part that is shown, as shares of the whole.
    """
    placed = _by_time(trace) if width == "time" else _by_amount(trace.spans, width)
    names = names_of(trace.spans)
    agents = _agents(trace.spans)
    lanes: dict[str, list[tuple[Bar, int]]] = {}
    left_out = 0
    for index, span in enumerate(trace.spans):
        if span.kind in _LEFT_OUT:
            continue
        start, end = placed[index]
        if end <= start and width != "time":
            left_out += 1
            continue
        if end < window[0] or start > window[1]:
            continue
        bar = Bar(_within(start, window), _within(end, window), names[index], span, failed=_failed(span))
        lanes.setdefault(agents[index], []).append((bar, index))
    above = parents(trace.spans)
    found = tuple(_lane(agent, bars, agents, above) for agent, bars in lanes.items())
    return Flame(width, window, found, left_out)


def _within(share: float, window: tuple[float, float]) -> float:
    return max(0.0, min(1.0, (share - window[0]) / max(window[1] - window[0], 1e-9)))


def _failed(span: TraceSpan) -> bool:
    return span.status == v.STATUS_ERROR


def parents(spans: Sequence[TraceSpan]) -> list[int | None]:
    """Position of each span's parent in a list that is depth first."""
    path: list[int] = []
    found: list[int | None] = []
    for index, span in enumerate(spans):
        del path[span.depth :]
        found.append(path[-1] if path else None)
        path.append(index)
    return found


def _agents(spans: Sequence[TraceSpan]) -> list[str]:
    """The agent of each span: its own, or that of the span it is in."""
    found: list[str] = []
    for index, above in enumerate(parents(spans)):
        found.append(spans[index].agent or (NO_AGENT if above is None else found[above]))
    return found


def _by_time(trace: Trace) -> list[tuple[float, float]]:
    whole = max(trace.duration_ms, 0.001)
    return [
        (min(1.0, span.offset_ms / whole), min(1.0, (span.offset_ms + span.duration_ms) / whole))
        for span in trace.spans
    ]


def _by_amount(spans: Sequence[TraceSpan], width: Width) -> list[tuple[float, float]]:
    """Steps one after another, each as wide as its own amount; what contains others is as wide as they are together."""
    own = [float(span.cost_usd or 0) if width == "cost" else span.input_tokens + span.output_tokens for span in spans]
    starts: list[float] = []
    so_far = 0.0
    for amount in own:
        starts.append(so_far)
        so_far += amount
    whole = so_far or 1.0
    ends = [start + amount for start, amount in zip(starts, own, strict=True)]
    above = parents(spans)
    for index in range(len(spans) - 1, -1, -1):
        parent = above[index]
        if parent is not None:
            ends[parent] = max(ends[parent], ends[index])
    return [(start / whole, end / whole) for start, end in zip(starts, ends, strict=True)]


def _lane(agent: str, found: list[tuple[Bar, int]], agents: Sequence[str], above: Sequence[int | None]) -> Lane:
    lane = Lane(agent)
    row_of: dict[int, int] = {}
    ends: list[float] = []
    for bar, index in sorted(found, key=lambda each: (each[0].start, -each[0].end, each[1])):
        row = _first_row(index, row_of, agents, above)
        while row < len(ends) and ends[row] > bar.start + 1e-12:
            row += 1
        while row >= len(ends):
            ends.append(0.0)
            lane.rows.append([])
        ends[row] = max(ends[row], bar.end)
        row_of[index] = row
        _put(lane.rows[row], bar)
    return lane


def _first_row(index: int, row_of: dict[int, int], agents: Sequence[str], above: Sequence[int | None]) -> int:
    """The row below what contains the step in the same lane."""
    parent = above[index]
    while parent is not None:
        if parent in row_of and agents[parent] == agents[index]:
            return row_of[parent] + 1
        parent = above[parent]
    return 0


def _put(row: list[Bar], bar: Bar) -> None:
    """Into its row; narrow neighbours become one bar, so that a long trace stays quick to draw."""
    last = row[-1] if row else None
    narrow = bar.end - bar.start < NARROW
    if last is None or not narrow or not (last.steps > 1 or last.end - last.start < NARROW):
        row.append(bar)
    elif max(bar.end, last.end) - last.start < _TOGETHER:
        last.end, last.steps, last.failed = max(last.end, bar.end), last.steps + 1, last.failed or bar.failed
    else:
        row.append(bar)


def count(found: Flame) -> int:
    """Steps in all bars."""
    return sum(bar.steps for lane in found.lanes for row in lane.rows for bar in row)

