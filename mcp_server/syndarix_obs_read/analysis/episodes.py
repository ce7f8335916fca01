"""From scores to episodes: one alarm when one opens, another only when it is twice as bad, none while it lasts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

OPENS = 1.0
"""Score at which an episode begins. Tuned once on public labelled series, see benchmarks/nab.py."""

CLOSES = 0.8
"""Below this score it is quiet: a little under the beginning, so that one at the limit does not come and go."""

QUIET = 12
"""Quiet places in a row that end an episode: an hour of five minutes."""

REST = 288
"""Most places after an alarm in which what comes back is still the same episode: a day of five minutes."""

LEAST_REST = 120
"""Fewest: ten hours."""

REST_SHARE = 0.03
"""Between the two, this share of all places so far: who knows a series for longer need not be told as soon."""

SETTLES = 12
"""Places after an alarm whose worst it speaks for: an hour in which whoever is told has hardly begun to look."""

WORSE = 2.0
"""An episode that was announced is announced again when its score is this many times as high."""


@dataclass(slots=True)
class Episode:
    """A stretch of unusual values. Places are indexes into the scores."""

    opened: int
    peak: int
    peak_score: float
    alarms: list[int] = field(default_factory=list)
    """Where it was announced: at its beginning, and whenever it had become twice as bad as it was said to be."""
    announced: float = 0.0
    """How bad it was said to be: the highest score within `SETTLES` places of the last announcement."""
    last: int = 0
    """Last place that was not quiet."""
    closed: int | None = None
    """First quiet place after the last unusual one, known `QUIET` places later; None while it lasts."""


class Episodes:
    """Takes scores in order, one a place, and keeps the episodes they make.

    An episode that had closed opens again when it returns within `rest` places of its last alarm. `warm_up` is the
    number of places, from the first, that open none.
    """

    def __init__(self, warm_up: int = 0) -> None:
        self.found: list[Episode] = []
        self._warm_up = warm_up
        self._place = 0

    def extend(self, scores: Iterable[float]) -> list[Episode]:
        """Go through more scores; the episodes so far, the last of which may be open."""
        for score in scores:
            if self._place >= self._warm_up:
                self._take(self._place, float(score))
            self._place += 1
        return self.found

    def _take(self, place: int, score: float) -> None:
        newest = self.found[-1] if self.found else None
        if newest is not None and newest.closed is None:
            _go_on(newest, place, score)
        elif score >= OPENS:
            if newest is not None and place < newest.alarms[-1] + rest(place):
                newest.closed = None
                _go_on(newest, place, score)
            else:
                self.found.append(Episode(place, place, score, [place], score, place))


def _go_on(episode: Episode, place: int, score: float) -> None:
    """What one more score does to an open episode."""
    if score >= CLOSES:
        episode.last = place
    elif place - episode.last >= QUIET:
        episode.closed = episode.last + 1
    if score > episode.peak_score:
        episode.peak, episode.peak_score = place, score
    if place < episode.alarms[-1] + SETTLES:
        episode.announced = max(episode.announced, score)
    elif score >= WORSE * episode.announced:
        episode.alarms.append(place)
        episode.announced = score


def rest(place: int) -> float:
    """How many places after an alarm what comes back at this one is still the same episode."""
    return max(LEAST_REST, min(REST, REST_SHARE * place))


def episodes(scores: Sequence[float], warm_up: int = 0) -> list[Episode]:
    """The episodes of a whole series of scores."""
    return Episodes(warm_up).extend(scores)


def alarms(found: Iterable[Episode]) -> list[int]:
    """All places where something is announced, in order."""
    return [place for episode in found for place in episode.alarms]
