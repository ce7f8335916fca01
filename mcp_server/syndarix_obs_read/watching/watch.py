"""The watch: looks every five minutes, keeps what happened as records, tells who has to know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.answers.forecast import MonthForecast, forecast_costs
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import BucketRow
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.mailing.directives import MailFile
from syndarix_obs_read.mailing.due import send_due
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import to_datetime
from syndarix_obs_read.watching.bills import bill_differences
from syndarix_obs_read.watching.look import CLOSED, HISTORY_DAYS, Event, Key, Known, known_of, look, words_of
from syndarix_obs_read.watching.series import PER_DAY, STEP_NS, works
from syndarix_obs_read.watching.tell import Telling, Unusual

if TYPE_CHECKING:
    from syndarix_obs import ObservabilityPlatform

DAY_NS: Final = PER_DAY * STEP_NS

SETTLES_NS: Final = 60 * 10**9
"""How long after its end a bucket is looked at: calls are recorded when they have ended, and travel in batches."""

LATE_NS: Final = 3_600 * 10**9
"""Buckets that are read again at each look, for calls that arrived late."""

FORESEES_NS: Final = 3_600 * 10**9
"""How often the month's end is worked out anew."""

RECONCILES_NS: Final = 6 * 3_600 * 10**9
"""How often bills are read: providers settle a day within a few hours, and a bill is a handful of requests."""

REMEMBERS_NS: Final = HISTORY_DAYS * DAY_NS
_MOST_EVENTS: Final = 10_000
_MOST_PROJECTS: Final = 200


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look came to."""

    until_ns: int
    series_of: int
    """Agents and projects that were looked at."""
    events: tuple[Event, ...]
    waiting: tuple[str, ...]
    """Agents that are too young, each with the time from which on it can be said what is unusual."""
    trouble: tuple[str, ...]


class Watch:
    """Looks at a backend's buckets and keeps the episodes in the same backend.

    Args:
        backend: where the buckets are read.
        platform: records what happened; its destinations are those of an agent.
        telling: who is told.
        settings: the zone of days and weeks.
        clock: the wall clock in nanoseconds, for tests.
        mails: reports that are sent by mail when they are due.
    """

    def __init__(
        self,
        backend: Backend,
        platform: ObservabilityPlatform,
        telling: Telling,
        settings: ReadSettings,
        clock: Callable[[], int] = time.time_ns,
        mails: MailFile | None = None,
    ) -> None:
        self._backend = backend
        self._platform = platform
        self._telling = telling
        self._zone = settings.zone
        self._clock = clock
        self._mails = mails
        self._rows: list[BucketRow] = []
        self._known: dict[Key, Known] | None = None
        self._settings = settings
        self._foreseen_ns = 0
        self._reconciled_ns = 0

    async def look(self) -> Looked:
        """Look once."""
        until = (self._clock() - SETTLES_NS) // STEP_NS * STEP_NS
        self._rows = await self._read(until)
        known = await self._remembered() if self._known is None else self._known
        events = tuple(await asyncio.to_thread(lambda: list(look(self._rows, known, until, self._zone))))
        for event in events:
            self._record(event)
            key = event.project, event.agent, event.series
            known[key] = Known(
                event.episode, event.state, event.opened_ns, event.at_ns, event.score, words_of(event)
            )  # fmt: skip
        self._platform.flush()
        self._known = known
        await self._foresee()
        trouble = await self._reconcile()
        trouble += await self._telling.tell(_unusual(known), self._clock(), _over(known, events))
        if self._mails is not None:
            now = to_datetime(self._clock(), self._zone)
            trouble += await send_due(self._backend, self._settings, self._mails, now)
        agents = list(works(self._rows, until))
        young = sorted(
            f"{each.agent}: from {to_datetime(each.first_ns + DAY_NS, self._zone):%Y-%m-%d %H:%M} on"
            for each in agents
            if len(each.rows) < PER_DAY
        )
        return Looked(until, len(agents), events, tuple(young), tuple(trouble))

    async def _read(self, until: int) -> list[BucketRow]:
        """All buckets of the time that counts; on later looks only the last hour is read anew."""
        begin = until - HISTORY_DAYS * DAY_NS
        fresh = begin if not self._rows else max(begin, self._rows[-1].at_ns - LATE_NS)
        kept = [row for row in self._rows if begin <= row.at_ns < fresh]
        for since in range(fresh, until, DAY_NS):  # a day at a time, so that no question takes long
            where = Filter(since_ns=since, until_ns=min(since + DAY_NS, until))
            kept += await self._backend.buckets(where, STEP_NS)
        return kept

    async def _remembered(self) -> dict[Key, Known]:
        where = Filter(kinds=(v.KIND_ANOMALY,), since_ns=max(0, self._clock() - REMEMBERS_NS))
        page = await self._backend.records(where, limit=_MOST_EVENTS, payloads=False)
        known = known_of(page.rows)
        for (_, agent, name), one in known.items():
            if one.state != CLOSED:  # a new process begins without the gauge's value
                self._platform.metrics.set(v.AGENT_ANOMALY, (agent, name), one.score)
        return known

    async def _foresee(self) -> None:
        """Once an hour: the gauges of the month's end, for boards and rules."""
        now = self._clock()
        if now - self._foreseen_ns < FORESEES_NS:
            return
        found = await forecast_costs(
            self._backend, Filter(), ("project",), limit=_MOST_PROJECTS, zone=self._zone, now_ns=now
        )
        for each in found.groups:
            for bound, amount in _bounds(each):
                self._platform.metrics.set(v.LLM_COST_FORECAST, (each.key["project"], bound), amount)
        for bound, amount in _bounds(found.whole):
            self._platform.metrics.set(v.LLM_COST_FORECAST_ALL, (bound,), amount)
        self._foreseen_ns = now

    async def _reconcile(self) -> list[str]:
        """Four times a day: how far the bills lie from the ledger. Returns what could not be read, in words."""
        now = self._clock()
        if now - self._reconciled_ns < RECONCILES_NS:
            return []
        self._reconciled_ns = now
        found, trouble = await bill_differences(self._backend, self._settings, now)
        for provider, ratio in found.items():
            self._platform.metrics.set(v.LLM_BILL_DIFFERENCE, (provider,), ratio)
        return trouble

    def _record(self, event: Event) -> None:
        self._platform.anomaly(
            event.series, event.state, agent=event.agent, project=event.project, episode=event.episode,
            score=event.score, opinion=event.opinion, observed=event.observed, expected=event.expected,
            opened_ns=event.opened_ns, at_ns=event.at_ns,
        )  # fmt: skip


def _unusual(known: dict[Key, Known]) -> list[Unusual]:
    """Agents with an open episode, each with a sentence for every series."""
    found: dict[str, list[tuple[int, str]]] = {}
    for (_, agent, _name), one in sorted(known.items(), key=lambda item: (item[1].opened_ns, str(item[0]))):
        if one.state != CLOSED:
            found.setdefault(agent, []).append((one.opened_ns, one.words))
    return [
        Unusual(agent, min(opened for opened, _ in each), tuple(words for _, words in each))
        for agent, each in found.items()
    ]


def _bounds(found: MonthForecast) -> Iterator[tuple[str, float]]:
    """The ends of a forecast that are known."""
    for bound, amount in (("expected", found.expected_usd), ("low", found.low_usd), ("high", found.high_usd)):
        if amount is not None:
            yield bound, float(amount)


def _over(known: dict[Key, Known], events: Sequence[Event]) -> list[str]:
    """Agents whose last open episode closed at this look."""
    still = {agent for (_, agent, _), one in known.items() if one.state != CLOSED}
    return sorted({event.agent for event in events if event.state == CLOSED} - still)


async def keep_looking(watch: Watch, report: Callable[[Looked], None], failed: Callable[[ReadError], None]) -> None:
    """Look after each bucket, for ever; a backend that is down is asked again at the next one."""
    while True:
        try:
            report(await watch.look())
        except ReadError as error:
            failed(error)
        now = time.time_ns()
        await asyncio.sleep((STEP_NS - (now - SETTLES_NS) % STEP_NS) / 1e9 + 0.1)
