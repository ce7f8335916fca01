"""The published scoring of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015, arXiv 1510.03336), written anew.

A labelled window is worth up to 1 for its first detection, the more the earlier; a window without one costs `missed`; a
detection outside of windows costs up to `false`, less when a window has just ended. The first 15% of a series (of 5,000
rows at most) count for nothing. A score is scaled so that 0 is a detector that says nothing and 100 a perfect one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """What mistakes cost; a window that is found is worth 1."""

    false: float
    missed: float


PROFILES = {"standard": Profile(0.11, 1.0), "low_fp": Profile(0.22, 1.0), "low_fn": Profile(0.11, 2.0)}

PROBATION = 0.15
PROBATION_ROWS = 5_000


@dataclass(frozen=True)
class Window:
    """Rows of a labelled anomaly, both ends included."""

    first: int
    last: int


@dataclass(frozen=True)
class Counted:
    """What the detections on one series come to, before any profile."""

    windows: int
    found: int
    """Windows with a detection."""
    credit: float
    """Sum over them, each 0 to 1."""
    blame: float
    """Sum over detections outside of windows, each 0 to 1."""


def probation(rows: int) -> int:
    """Rows at the beginning that are not scored."""
    return int(PROBATION * min(rows, PROBATION_ROWS))


def count(rows: int, windows: Sequence[Window], detections: Iterable[int]) -> Counted:
    """Credit and blame for the rows where something was detected."""
    start = probation(rows)
    scored = [window for window in windows if window.last >= start]
    best: dict[Window, float] = {}
    blame = 0.0
    for row in detections:
        if row < start:
            continue
        inside = next((window for window in scored if window.first <= row <= window.last), None)
        if inside is None:
            blame += _blame(row, windows)
        else:
            best[inside] = max(best.get(inside, 0.0), _credit(row, inside))
    return Counted(len(scored), len(best), sum(best.values()), blame)


def score(counted: Iterable[Counted], profile: Profile) -> float:
    """The score of a corpus: 0 for no detection at all, 100 for all windows at once and nothing else."""
    series = list(counted)
    windows = sum(one.windows for one in series)
    gained = sum(one.credit - profile.missed * (one.windows - one.found) - profile.false * one.blame for one in series)
    return 100 * (gained + profile.missed * windows) / (windows + profile.missed * windows)


def _credit(row: int, window: Window) -> float:
    """1 at the window's first row, about 0 at its last."""
    size = window.last - window.first + 1
    return _sigmoid(-(window.last - row + 1) / size) / _sigmoid(-1.0)


def _blame(row: int, windows: Sequence[Window]) -> float:
    """1 far from the window before, less near to its end."""
    earlier = [window for window in windows if window.last < row]
    if not earlier:
        return 1.0
    newest = max(earlier, key=lambda window: window.last)
    return -_sigmoid((row - newest.last) / max(newest.last - newest.first, 1))


def _sigmoid(position: float) -> float:
    """From 1 (well before the end of a window) over 0 (at its end) to −1 (from three widths after it on)."""
    return -1.0 if position > 3.0 else 2 / (1 + math.exp(5 * position)) - 1
