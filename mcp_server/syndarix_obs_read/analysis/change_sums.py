"""Observations of two periods, summed so that what a value contributes to a change can be read off."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from syndarix_obs_read.analysis.statistics import cluster_variance, upper_tail

Scale = Literal["log", "plain"]
"""How values are compared: `log` for amounts that multiply (time, tokens, money), `plain` for shares such as errors."""

DIMENSIONS: Final = (
    "prompt_hash", "tool_set_hash", "model", "provider", "agent_version", "tool", "task_type", "environment", "region",
    "user_bucket", "error_pattern",
)  # fmt: skip
"""Dimensions in the order in which they win a tie: what was deployed, then where it ran, then what it looked like."""

LEAST_SEEN: Final = 5
"""Observations that a value needs in the two periods together."""
NEGLIGIBLE: Final = 1e-9
"""Difference on the compared scale that is none."""
EVERYWHERE: Final = 0.97
"""A value that nearly everything has, before and after, explains nothing."""

Key = tuple[str, str]
"""A dimension and a value."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One value of the figure.

    Args:
        value: of the figure; 0 or more on the `log` scale.
        where: values by dimension, several where several apply, such as the tools of a session.
        session: observations of one session are not independent of each other.
        time_ns: when, in Unix nanoseconds.
    """

    value: float
    where: Mapping[str, tuple[str, ...]]
    session: str
    time_ns: int = 0


@dataclass(slots=True)
class Side:
    """One period: deviations from the earlier mean, in sums by session."""

    observations: Sequence[Observation]
    deviations: list[float]
    sizes: dict[str, int]
    totals: dict[str, float]
    total: float = field(init=False)
    squares: float = field(init=False)
    sized: float = field(init=False)
    size_squares: int = field(init=False)

    def __post_init__(self) -> None:
        self.total = sum(self.totals.values())
        self.squares = sum(total * total for total in self.totals.values())
        self.sized = sum(total * self.sizes[session] for session, total in self.totals.items())
        self.size_squares = sum(size * size for size in self.sizes.values())

    def __len__(self) -> int:
        return len(self.observations)


@dataclass(slots=True)
class Candidate:
    """A value with its sums by session, before and after: of deviations, and of occurrences."""

    sums: tuple[dict[str, float], dict[str, float]] = field(
        default_factory=lambda: (defaultdict(float), defaultdict(float))
    )
    counts: tuple[dict[str, int], dict[str, int]] = field(default_factory=lambda: (defaultdict(int), defaultdict(int)))


def mean_of(observations: Sequence[Observation]) -> float | None:
    return sum(each.value for each in observations) / len(observations) if observations else None


def scaling(before: Sequence[Observation], scale: Scale) -> Callable[[float], float]:
    """How values are compared. The logarithm is soft near zero: below a twentieth of the usual, sizes hardly matter."""
    unit = (mean_of(before) or 0.0) / 20 or 1.0
    return (lambda value: math.log1p(max(0.0, value) / unit)) if scale == "log" else lambda value: value


def side_of(observations: Sequence[Observation], middle: float, scaled: Callable[[float], float]) -> Side:
    deviations = [scaled(each.value) - middle for each in observations]
    sizes: defaultdict[str, int] = defaultdict(int)
    totals: defaultdict[str, float] = defaultdict(float)
    for each, deviation in zip(observations, deviations, strict=True):
        sizes[each.session] += 1
        totals[each.session] += deviation
    return Side(observations, deviations, sizes, totals)


def change_of_mean(sides: tuple[Side, Side]) -> tuple[float, float]:
    """The change of the mean, and how likely one of that size is by chance."""
    variance = sum(cluster_variance(list(side.totals.values()), list(side.sizes.values())) for side in sides)
    moved = sum(sides[1].deviations) / len(sides[1])
    return moved, 2 * upper_tail(_z(abs(moved), variance))


def _z(difference: float, variance: float) -> float:
    if abs(difference) < NEGLIGIBLE:  # equal values differ by rounding
        return 0.0
    if variance > 0:
        return difference / math.sqrt(variance)
    return math.copysign(math.inf, difference)


def candidates_in(sides: tuple[Side, Side]) -> dict[Key, Candidate]:
    """Values worth a look: seen often enough, still there, and not what nearly everything has."""
    found: dict[Key, Candidate] = {}
    for period, side in enumerate(sides):
        for each, deviation in zip(side.observations, side.deviations, strict=True):
            for dimension in DIMENSIONS:
                for value in each.where.get(dimension, ()):
                    candidate = found.get((dimension, value))
                    if candidate is None:
                        candidate = found[dimension, value] = Candidate()
                    candidate.sums[period][each.session] += deviation
                    candidate.counts[period][each.session] += 1
    return {key: each for key, each in found.items() if _worth_a_look(each, sides)}


def _worth_a_look(candidate: Candidate, sides: tuple[Side, Side]) -> bool:
    before, after = (sum(counts.values()) for counts in candidate.counts)
    everywhere = all(share >= EVERYWHERE for share in shares(candidate, sides))
    return after > 0 and before + after >= LEAST_SEEN and not everywhere


def shares(candidate: Candidate, sides: tuple[Side, Side]) -> tuple[float, float]:
    before, after = (sum(counts.values()) / len(side) for counts, side in zip(candidate.counts, sides, strict=True))
    return before, after


def contribution(candidate: Candidate, sides: tuple[Side, Side]) -> float:
    before, after = (sum(sums.values()) / len(side) for sums, side in zip(candidate.sums, sides, strict=True))
    return after - before


def chance_of(candidate: Candidate, sides: tuple[Side, Side], moved: float) -> float:
    """How likely a value that has nothing to do with the change would stand out like this one.

    Either it moved more than its share of everything does, or it carries part of the change and its share moved."""
    sign = math.copysign(1.0, moved)
    share_before, share_after = shares(candidate, sides)
    carried = contribution(candidate, sides)
    stands_out = sign * (carried - share_after * moved)
    excess = upper_tail(_z(stands_out, _variance(candidate, sides, share_after)))
    carries = upper_tail(_z(sign * carried, _variance(candidate, sides, 0.0)))
    shifted = 2 * upper_tail(_z(abs(share_after - share_before), _share_variance(candidate, sides)))
    return min(1.0, 2 * min(excess, max(carries, shifted)))


def _variance(candidate: Candidate, sides: tuple[Side, Side], share: float) -> float:
    """Of the candidate's contribution, less a share of everybody's."""
    return sum(_of_sums(side, sums, share) for sums, side in zip(candidate.sums, sides, strict=True))


def _share_variance(candidate: Candidate, sides: tuple[Side, Side]) -> float:
    return sum(_of_sums(side, counts, 0.0) for counts, side in zip(candidate.counts, sides, strict=True))


def _of_sums(side: Side, sums: Mapping[str, float], share: float) -> float:
    """`cluster_variance` of (sum − share × total) by session, looking only at the sessions that have a sum.

    There are thousands of sessions and few that have a rare value, so the squares are written out."""
    groups, size = len(side.sizes), len(side)
    if groups < 2:
        return 0.0
    squares = shared = sized = total = 0.0
    for session, each in sums.items():
        squares += each * each
        shared += each * side.totals[session]
        sized += each * side.sizes[session]
        total += each
    mean = (total - share * side.total) / size
    spread = squares - 2 * share * shared + share**2 * side.squares - 2 * mean * (sized - share * side.sized)
    return max(0.0, spread + mean**2 * side.size_squares) / size**2 * groups / (groups - 1)
