"""What changed? Which value of which dimension explains that a figure moved, out of plain observations.

A figure (latency, cost, errors, …) has one value per observation, and an observation has values in many dimensions. The
*contribution* of `region=eu` is what its observations add to the change of the mean: the mean over the later period of
(value − earlier mean) where the observation is in `eu` and 0 where it is not, minus the same over the earlier period.
Within one dimension contributions add up to the change. So a value that got worse, a value that is new and a value
that merely became more frequent are found by one number, and a bystander that only often occurs together with the cause
gets less than the cause. Of two that explain the same, the rarer one is the sharper explanation.

A value counts as an explanation only if it stands out from its share (everything got worse alike: nothing explains it)
or became more or less frequent, after correction for the number of values looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from syndarix_obs_read.analysis.change_ranking import ranked
from syndarix_obs_read.analysis.change_sums import (
    DIMENSIONS,
    Key,
    Observation,
    Scale,
    Side,
    candidates_in,
    chance_of,
    change_of_mean,
    mean_of,
    scaling,
    side_of,
)
from syndarix_obs_read.analysis.statistics import holm

__all__ = ["DIMENSIONS", "Change", "Factor", "First", "Observation", "Scale", "explain_change"]

CONFIGURATION: Final = ("agent_version", "prompt_hash", "tool_set_hash", "model", "provider", "tool")
"""Dimensions that somebody sets: what is seen in them for the first time is always said."""

CHANGED: Final = 0.01
"""How unlikely by chance the change itself has to be before anything is looked for."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A value that explains part of the change.

    Args:
        dimension: such as `prompt_hash`.
        value: such as `a81c…`.
        part: of the change that it carries; above 1 when the rest moved the other way.
        share_before: of the observations that had it.
        share_after: the same in the later period.
        mean_before: of the figure where it applies; None when it was not there.
        mean_after: the same in the later period.
        chance: p-value after correction.
        first_seen_ns: its first observation in the later period, None where it was there before.
        sessions_after: sessions to open, the most typical of what it does now first.
        sessions_before: sessions of the earlier period to compare with.
    """

    dimension: str
    value: str
    part: float
    share_before: float
    share_after: float
    mean_before: float | None
    mean_after: float | None
    chance: float
    first_seen_ns: int | None
    sessions_after: tuple[str, ...]
    sessions_before: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class First:
    """A part of the configuration that was never seen before the later period."""

    dimension: str
    value: str
    first_seen_ns: int
    share_after: float


@dataclass(frozen=True, slots=True)
class Change:
    """The answer.

    Args:
        mean_before: of the figure in the earlier period; None without observations.
        mean_after: the same in the later period.
        chance: p-value of the change itself.
        factors: the explanations, the best first; empty when nothing explains it.
        firsts: what is new in the configuration, whether it explains anything or not.
        looked_at: values that were compared.
        verdict: in one sentence.
        compared: False with fewer than two sessions on a side, of which nothing can be said.
    """

    mean_before: float | None
    mean_after: float | None
    chance: float
    factors: tuple[Factor, ...]
    firsts: tuple[First, ...]
    looked_at: int
    verdict: str
    compared: bool = True

    @property
    def changed(self) -> bool:
        """Whether the figure moved beyond chance."""
        return self.chance < CHANGED


def explain_change(
    before: Sequence[Observation],
    after: Sequence[Observation],
    scale: Scale = "log",
    limit: int = 3,
    known: Mapping[str, frozenset[str]] | None = None,
    between: Sequence[Observation] = (),
) -> Change:
    """Which values of which dimensions explain that the figure moved between two periods.

    Args:
        before: observations of the earlier period.
        after: observations of the later one.
        scale: how values are compared.
        limit: explanations at most.
        known: values by dimension that were seen before the earlier period; they are no firsts.
        between: observations between the two periods. They are compared with nothing; a first may have been seen there.
    """
    firsts = _firsts(before, after, known or {}, between)
    if len({each.session for each in before}) < 2 or len({each.session for each in after}) < 2:
        few = f"too little to compare: {len(before)} observations before and {len(after)} after; take a longer period"
        return Change(mean_of(before), mean_of(after), 1.0, (), firsts, 0, few, compared=False)
    scaled = scaling(before, scale)
    middle = sum(scaled(each.value) for each in before) / len(before)
    sides = side_of(before, middle, scaled), side_of(after, middle, scaled)
    moved, chance = change_of_mean(sides)
    if chance >= CHANGED:
        return Change(mean_of(before), mean_of(after), chance, (), firsts, 0, "the figure did not change beyond chance")
    candidates = candidates_in(sides)
    corrected = holm({key: chance_of(each, sides, moved) for key, each in candidates.items()})
    order = ranked(candidates, corrected, sides, moved)
    factors = tuple(_factor(key, part, corrected[key], sides, between) for key, part in order[:limit])
    return Change(mean_of(before), mean_of(after), chance, factors, firsts, len(candidates), _verdict(factors))


def _verdict(factors: Sequence[Factor]) -> str:
    if not factors:
        return "nothing explains it: no value of any dimension stands out"
    best = factors[0]
    return f"{best.dimension} {best.value} carries {min(best.part, 1.0):.0%} of the change"


def _factor(
    key: Key, part: float, chance: float, sides: tuple[Side, Side], between: Sequence[Observation]
) -> Factor:
    dimension, value = key
    having = [[each for each in side.observations if value in each.where.get(dimension, ())] for side in sides]
    means = [mean_of(each) for each in having]
    met = [*having[1], *(each for each in between if value in each.where.get(dimension, ()))]
    first = min((each.time_ns for each in met), default=None) if not having[0] else None
    usual = mean_of(sides[0].observations) or 0.0
    return Factor(
        dimension,
        value,
        part,
        len(having[0]) / len(sides[0]),
        len(having[1]) / len(sides[1]),
        means[0],
        means[1],
        chance,
        first,
        _typical(having[1] or sides[1].observations, means[1] if means[1] is not None else usual),
        _typical(having[0] or sides[0].observations, means[0] if means[0] is not None else usual),
    )


def _typical(observations: Sequence[Observation], middle: float, count: int = 3) -> tuple[str, ...]:
    """Sessions whose value is nearest to the mean, each once."""
    ordered = sorted(observations, key=lambda each: (abs(each.value - middle), each.session))
    return tuple(dict.fromkeys(each.session for each in ordered))[:count]


def _firsts(
    before: Sequence[Observation],
    after: Sequence[Observation],
    known: Mapping[str, frozenset[str]],
    between: Sequence[Observation],
) -> tuple[First, ...]:
    found: list[First] = []
    for dimension in CONFIGURATION:
        old = known.get(dimension, frozenset()).union(*(each.where.get(dimension, ()) for each in before))
        now, earlier = _times(dimension, after), _times(dimension, between)
        found += [
            First(dimension, value, min((*times, *earlier.get(value, ()))), len(times) / len(after))
            for value, times in now.items()
            if value not in old
        ]
    return tuple(sorted(found, key=lambda first: first.first_seen_ns)) if before or known else ()


def _times(dimension: str, observations: Sequence[Observation]) -> dict[str, list[int]]:
    """When each value of a dimension was seen."""
    seen: defaultdict[str, list[int]] = defaultdict(list)
    for each in observations:
        for value in each.where.get(dimension, ()):
            seen[value].append(each.time_ns)
    return seen
