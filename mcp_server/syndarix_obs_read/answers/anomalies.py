"""What is unusual? Episodes that the watch kept: which series of which agent, since when, and how much."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import ListAnswer, Moment, Period, listing
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import COUNTED_UP_TO, Rows, StoredRecord
from syndarix_obs_read.errors import Ambiguous, NotFound
from syndarix_obs_read.timerange import SECOND_NS, TimeRange, to_datetime


class Anomaly(Frozen):
    """One episode. Values are in the unit of the series: calls, dollars, tokens, seconds, or parts of one."""

    episode: str = Field(description="Its id, the same from opening to close.")
    agent: str | None
    project: str | None
    series: str = Field(description="What is unusual: `cost`, `latency_p95`, `error_rate`, `tool_share:search`, …")
    open: bool = Field(description="Whether it still lasts.")
    opened: Moment
    closed: Moment | None
    score: float = Field(description="Largest that was announced; 1 is where an episode begins, 2 is twice as bad.")
    opinion: str = Field(description="Why: level, spread, neighbours (a new shape), stuck, missing.")
    observed: float | None = Field(description="What the series was when it was announced.")
    expected: float | None = Field(description="What it should have been then.")
    alarms: int = Field(description="How often it was announced: once, and whenever it had become twice as bad.")


class AnomalyList(ListAnswer):
    """Episodes, open ones first, then the last opened first."""

    anomalies: tuple[Anomaly, ...]


async def list_anomalies(
    backend: Backend, where: Filter, period: TimeRange, limit: int, *, only_open: bool = False
) -> AnomalyList:
    """Episodes of which something happened in the period."""
    wanted = replace(where.within(period), kinds=(v.KIND_ANOMALY,))
    page = await backend.records(wanted, limit=COUNTED_UP_TO, payloads=False)
    groups: defaultdict[str, list[StoredRecord]] = defaultdict(list)
    for record in page.rows:
        groups[record.text("episode")].append(record)
    found = [each for each in map(_anomaly, groups.values()) if each.open or not only_open]
    found.sort(key=lambda each: (each.open, each.opened), reverse=True)
    about = listing(Rows(tuple(found[:limit]), len(found) > limit, len(found)), "agent, project or time")
    if not found:
        known = await why_empty(backend, replace(where, kinds=()), period)
        about["hints"] = ("nothing unusual was found in that time; `syndarix-obs watch` has to run to find it", *known)
    return AnomalyList(backend=backend.name, period=Period.of(period), anomalies=tuple(found[:limit]), **about)


async def find_episode(backend: Backend, beginning: str, now_ns: int | None = None) -> tuple[Anomaly, TimeRange]:
    """The episode whose id begins so, and its time from opening to close, or to now.

    Raises:
        NotFound: there is none.
        Ambiguous: there is more than one.
    """
    now = time.time_ns() if now_ns is None else now_ns
    whole = TimeRange(0, now + 1, "all time")
    found = (await list_anomalies(backend, Filter(), whole, COUNTED_UP_TO)).anomalies
    fitting = [each for each in found if each.episode.startswith(beginning)]
    if not fitting:
        raise NotFound(
            f"no episode has an id that begins with {beginning!r}", tuple(each.episode for each in found[:3])
        )
    if len(fitting) > 1:
        raise Ambiguous(
            f"{len(fitting)} episodes have an id that begins with {beginning!r}",
            tuple(each.episode for each in fitting[:5]),
        )
    (one,) = fitting
    begin, end = round(one.opened.timestamp()) * SECOND_NS, now
    if one.closed is not None:
        end = round(one.closed.timestamp()) * SECOND_NS
    return one, TimeRange(begin, max(end, begin + 1), f"the episode {one.episode} of {one.agent}")


def _anomaly(records: Sequence[StoredRecord]) -> Anomaly:
    """An episode from what happened to it."""
    order = sorted(records, key=lambda record: (record.start_ns, v.ANOMALY_STATES.index(record.text("state"))))
    announced = [record for record in order if record.text("state") != v.ANOMALY_STATES[-1]] or order
    last, worst = order[-1], max(announced, key=lambda record: float(record.get("score") or 0))
    closed = last.text("state") == v.ANOMALY_STATES[-1]
    return Anomaly(
        episode=last.text("episode"),
        agent=last.optional("agent"),
        project=last.optional("project"),
        series=last.text("series"),
        open=not closed,
        opened=to_datetime(last.count("opened_ns") or order[0].start_ns),
        closed=to_datetime(last.start_ns) if closed else None,
        score=float(worst.get("score") or 0),
        opinion=worst.text("opinion"),
        observed=worst.get("observed"),
        expected=worst.get("expected"),
        alarms=len(announced),
    )
