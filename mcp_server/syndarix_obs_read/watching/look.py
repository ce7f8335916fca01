"""One look: from buckets and the episodes that are known to what has happened since."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

import numpy as np

from syndarix_obs import vocabulary as v
from syndarix_obs_read.analysis import detector
from syndarix_obs_read.analysis.episodes import REST, Episode, episodes
from syndarix_obs_read.analysis.scale import Scale, even, uneven
from syndarix_obs_read.backends.rows import BucketRow, StoredRecord
from syndarix_obs_read.watching.series import LEAST_IN_AN_HOUR, PER_DAY, STEP_NS, STEP_S, Watched, Work, series, works

OPENED, WORSE, CLOSED = v.ANOMALY_STATES

HISTORY_DAYS: Final = 42
"""Days that are read: two weeks of spread, and four weeks of weekly profile before them."""

BACK: Final = PER_DAY
"""Buckets before now whose alarms are news; older ones, on a first look, are not told any more."""

LEAST_BUCKETS: Final = 30
"""Known buckets before the first alarm, beside the first day."""

WEEK_S: Final = 7 * 86_400
MONDAY_S: Final = 4 * 86_400
"""The first Monday after the epoch."""

Key = tuple[str | None, str, str]
"""Project, agent, series."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an episode. Values are in the unit of the series, None where they are not known."""

    episode: str
    project: str | None
    agent: str
    series: str
    state: str
    score: float
    opinion: str
    observed: float | None
    expected: float | None
    opened_ns: int
    at_ns: int


@dataclass(frozen=True, slots=True)
class Known:
    """How the newest episode of a series stands, by what was recorded."""

    episode: str
    state: str
    opened_ns: int
    at_ns: int
    score: float
    words: str = ""
    """What was said of it last."""


def known_of(records: Iterable[StoredRecord]) -> dict[Key, Known]:
    """The newest of each series; records in any order."""
    found: dict[Key, Known] = {}
    for record in records:
        key = record.optional("project"), record.text("agent"), record.text("series")
        one = Known(
            record.text("episode"), record.text("state"), record.count("opened_ns"), record.start_ns,
            float(record.get("score") or 0.0),
            _said(record.text("series"), record.get("observed"), record.get("expected"), record.text("opinion")),
        )  # fmt: skip
        order = (one.at_ns, v.ANOMALY_STATES.index(one.state) if one.state in v.ANOMALY_STATES else 0)
        if key not in found or order >= (found[key].at_ns, v.ANOMALY_STATES.index(found[key].state)):
            found[key] = one
    return found


def words_of(event: Event) -> str:
    """One sentence about an event."""
    return _said(event.series, event.observed, event.expected, event.opinion)


def _said(series: str, observed: float | None, expected: float | None, opinion: str) -> str:
    if observed is None or expected is None:
        return f"{series}: {opinion}"
    return f"{series} is {float(observed):.3g} where {float(expected):.3g} was expected ({opinion})"


def look(rows: Sequence[BucketRow], known: Mapping[Key, Known], until_ns: int, zone: tzinfo) -> Iterator[Event]:
    """What happened, by the buckets that ended before `until_ns`, a whole multiple of the step."""
    for work in works(rows, until_ns):
        for watched in series(work):
            key = work.project, work.agent, watched.name
            yield from _events(work, watched, known.get(key), zone)


def ready_ns(work: Work) -> int:
    """When the first alarm of an agent becomes possible."""
    return work.first_ns + PER_DAY * STEP_NS


def _events(work: Work, watched: Watched, known: Known | None, zone: tzinfo) -> Iterator[Event]:
    scores = _scores(work, watched, zone)
    found = episodes(scores.score.tolist(), warm_up=_warm_up(watched))
    last = len(watched.values) - 1
    after = known.at_ns if known else 0
    standing = known if known and known.state != CLOSED else None
    for episode in found:
        for number, place in enumerate(episode.alarms):
            at = _end_of(work, place)
            if place > last - BACK and at > after:
                state = WORSE if number or (standing and standing.opened_ns < at) else OPENED
                event = _event(work, watched, scores, episode, place, state, standing)
                standing = Known(event.episode, state, event.opened_ns, at, event.score)
                yield event
        if standing is not None and episode.closed is not None and _end_of(work, episode.closed) > standing.at_ns:
            yield _event(work, watched, scores, episode, episode.closed, CLOSED, standing)
            standing = None
    if standing is not None and (not found or found[-1].closed is not None):
        # It was open when last looked at, and by what is known now it is not: baselines have moved past it.
        yield _event(work, watched, scores, Episode(last, last, 0.0, [last]), last, CLOSED, standing)


def _scores(work: Work, watched: Watched, zone: tzinfo) -> detector.Scores:
    values = even(watched.values, watched.scale)
    found = detector.score(values, PER_DAY, _place_in_week(work.first_ns, zone), watched.weight, newest=BACK + REST)
    found.score[work.busy() < LEAST_IN_AN_HOUR] = 0.0
    return found


def _warm_up(watched: Watched) -> int:
    """The first day, and what comes before the thirtieth known value."""
    known = np.flatnonzero(~np.isnan(watched.values))
    thirtieth = int(known[LEAST_BUCKETS - 1]) + 1 if len(known) >= LEAST_BUCKETS else len(watched.values)
    return max(PER_DAY, thirtieth)


def _place_in_week(ns: int, zone: tzinfo) -> int:
    """Of a moment in the zone, Monday midnight being 0."""
    seconds = ns // 10**9
    offset = datetime.fromtimestamp(seconds, zone).utcoffset()
    local = seconds + (round(offset.total_seconds()) if offset else 0)
    return (local - MONDAY_S) % WEEK_S // STEP_S


def _end_of(work: Work, place: int) -> int:
    """When a bucket was whole, and what was seen in it became known."""
    return work.first_ns + (place + 1) * STEP_NS


def _event(
    work: Work, watched: Watched, scores: detector.Scores, episode: Episode, place: int, state: str, known: Known | None
) -> Event:
    place = min(place, len(watched.values) - 1)
    opened = known.opened_ns if known else work.first_ns + episode.opened * STEP_NS
    return Event(
        episode=known.episode if known else _id(work, watched.name, opened),
        project=work.project,
        agent=work.agent,
        series=watched.name,
        state=state,
        score=float(episode.peak_score if state == CLOSED else scores.score[place]) or (known.score if known else 0.0),
        opinion=detector.OPINIONS[int(scores.opinion[place])],
        observed=_optional(watched.values[place]),
        expected=_optional(_in_unit(scores.expected[place], watched.scale)),
        opened_ns=opened,
        at_ns=_end_of(work, place),
    )


def _in_unit(value: float, scale: Scale) -> float:
    return float(uneven(np.array([value]), scale)[0])


def _optional(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _id(work: Work, name: str, opened_ns: int) -> str:
    text = "\x00".join((work.project or "", work.agent, name, str(opened_ns)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
