"""Which of the values that explain a change explains it when the others are held fixed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from syndarix_obs_read.analysis.change_sums import DIMENSIONS, LEAST_SEEN, Candidate, Key, Side, contribution
from syndarix_obs_read.analysis.statistics import least_squares

EXPLAINS: Final = 0.01
"""How unlikely by chance an explanation has to be, after correction."""
LEAST_PART: Final = 0.25
"""Part of the change that an explanation has to carry."""
SYMPTOMS: Final = ("error_pattern",)
"""Dimensions that are part of what is measured: they are not held fixed while causes are compared."""
SYMPTOM_HANDICAP: Final = 0.3
"""What a symptom has to carry more than a cause to come before it."""
SHORT_LIST: Final = 8
"""Values that are compared with each other at most."""


def ranked(
    candidates: Mapping[Key, Candidate],
    corrected: Mapping[Key, float],
    sides: tuple[Side, Side],
    moved: float,
) -> list[tuple[Key, float]]:
    """Explanations, the best first, each with the part of the change that it carries when the others are held fixed."""
    alone = {key: contribution(each, sides) / moved for key, each in candidates.items() if corrected[key] < EXPLAINS}
    carrying = sorted((key for key, part in alone.items() if part >= LEAST_PART), key=lambda key: -alone[key])
    standing = carrying[:SHORT_LIST]
    causes = _representatives([key for key in standing if key[0] not in SYMPTOMS], candidates)
    score = _held_together(causes, sides, moved) if causes else {}
    score.update({key: alone[key] - SYMPTOM_HANDICAP for key in standing if key[0] in SYMPTOMS})
    return [(key, alone[key]) for key in sorted(score, key=lambda key: -score[key])]


def _representatives(keys: Sequence[Key], candidates: Mapping[Key, Candidate]) -> list[Key]:
    """One of the values that occur in the very same sessions: the one whose dimension comes first."""
    found: dict[tuple[object, ...], Key] = {}
    for key in sorted(keys, key=lambda each: DIMENSIONS.index(each[0])):
        same = tuple(frozenset(counts.items()) for counts in candidates[key].counts)
        found.setdefault(same, key)
    return list(found.values())


def _held_together(keys: Sequence[Key], sides: tuple[Side, Side], moved: float) -> dict[Key, float]:
    """The part of the change that each value carries beside the others.

    A linear model of all of them at once: each value has an effect, and one more in the later period where it occurred
    in both; the period itself takes what is left. What a value carries is its effect times the change of its share,
    plus its further effect times its share."""
    columns = [(key, later) for key in keys for later in _effects(key, sides)]
    cells: defaultdict[tuple[int, ...], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for period, side in enumerate(sides):
        for each, deviation in zip(side.observations, side.deviations, strict=True):
            row = tuple(
                int(value in each.where.get(dimension, ()) and (period or not later))
                for (dimension, value), later in columns
            )
            cell = cells[(1, period, *row)]
            cell[0] += 1
            cell[1] += deviation
    effects = least_squares(cells, len(columns) + 2)
    parts = dict.fromkeys(keys, 0.0)
    for position, (key, later) in enumerate(columns, start=2):
        before, after = (
            sum(count for row, (count, _) in cells.items() if row[1] == period and row[position]) for period in (0, 1)
        )
        parts[key] += effects[position] * (after / len(sides[1]) - (0 if later else before / len(sides[0]))) / moved
    return parts


def _effects(key: Key, sides: tuple[Side, Side]) -> tuple[bool, ...]:
    dimension, value = key
    there = sum(value in each.where.get(dimension, ()) for each in sides[0].observations)
    return (False, True) if there >= LEAST_SEEN else (False,)
