"""Traces and sessions that contain something: candidates newest first, all their records, then one exact statement.

Of every candidate all records are fetched into a scratch store, and the embedded backend's own statement decides which
fit. It goes on until there are enough and no candidate that is still to come can be newer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final, Generic, Protocol, TypeVar

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import Rows, StoredRecord
from syndarix_obs_read.backends.sql.scratch import Scratch
from syndarix_obs_read.backends.stack import spans
from syndarix_obs_read.backends.stack.candidates import (
    OF_WORK,
    Key,
    Named,
    Servers,
    having_the_rest,
    named,
    plain_traces,
)
from syndarix_obs_read.backends.stack.clients.loki import DAY_NS
from syndarix_obs_read.backends.stack.fetch import heads
from syndarix_obs_read.backends.stack.queries import logql, traceql
from syndarix_obs_read.backends.stack.time_bounds import AHEAD_NS, Range
from syndarix_obs_read.errors import BackendTimeout, BackendUnavailable

_FEWEST: Final = 20
_MOST: Final = 200
"""Candidates whose records are fetched together: their ids stand in one query."""
_LINES_OF_ONE: Final = 15
_NEAR_NS: Final = DAY_NS // 144
_FURTHER_NS: Final = (DAY_NS // 24, DAY_NS)
_PLAIN_TRACES: Final = 500
_MOST_GROUPS: Final = 64

Group = tuple[list[str], Range]
"""Candidates, and the stretch of time in which they are looked for."""


class _Row(Protocol):
    @property
    def start_ns(self) -> int: ...


R = TypeVar("R", bound=_Row)
Statement = Callable[[Scratch, Filter, int], Rows[R]]


class Gather(Generic[R]):
    """One question for traces or sessions.

    Args:
        servers: what is asked.
        key: what is looked for.
        where: the filter.
        statement: the embedded backend's statement over a scratch store: filter and limit to rows.
    """

    def __init__(self, servers: Servers, key: Key, where: Filter, statement: Statement[R]) -> None:
        self._servers = servers
        self._key: Key = key
        self._where = where
        self._statement = statement
        self._loaded: set[str] = set()

    async def page(self, limit: int) -> Rows[R]:
        """The newest rows that fit; only a complete answer knows how many there are."""
        # A text was looked for in whole lines: only traces and sessions that have it become candidates.
        asked = replace(self._where, text=None)
        rows: tuple[R, ...] = ()
        with Scratch() as scratch:
            self._statement(scratch, asked, 1)  # a filter that does not exist is refused before anything is fetched
            async for chunk, before_ns in self._chunks(limit):
                await self._load(scratch, chunk)
                rows = (await scratch.ask(lambda s: self._statement(s, asked, limit + 1))).rows
                if len(rows) > limit and rows[limit].start_ns > before_ns:
                    break
        more = len(rows) > limit
        return Rows(rows[:limit], more, None if more else len(rows))

    async def _chunks(self, limit: int) -> AsyncIterator[tuple[Named, int]]:
        """Candidates to look at together, at first as many as are wanted, later more."""
        most = min(max(limit + 1, _FEWEST), _MOST)
        if self._key == "trace_id" and (plain := await plain_traces(self._servers, self._where, limit)):
            yield plain, self._servers.bounds.now() + AHEAD_NS
        waiting: Named = {}
        wanted: set[str] | None = None
        looked = False
        async for portion, before_ns in named(self._servers, self._where, self._key, most * _LINES_OF_ONE):
            for key, place in portion.items():
                if key not in self._loaded and (wanted is None or key in wanted):
                    waiting[key] = _wider(waiting.get(key, place), place)
            while len(waiting) >= most:
                chunk = {key: waiting.pop(key) for key in list(waiting)[:most]}
                yield chunk, max([before_ns, *(place[1] for place in waiting.values())])
                most = min(2 * most, _MOST)
                if not looked:  # the newest were not enough
                    looked, wanted = True, await having_the_rest(self._servers, self._where, self._key)
                    waiting = {key: place for key, place in waiting.items() if wanted is None or key in wanted}
        if waiting:
            yield waiting, 0

    async def _load(self, scratch: Scratch, chunk: Named) -> None:
        """Everything that belongs to the candidates."""
        self._loaded |= set(chunk)
        if self._key == "session_id":
            runs = await self._lines(list(chunk), self._servers.bounds.all(), (v.KIND_SESSION,))
            scratch.add(runs)
            for run in runs:
                own = run.start_ns, max(run.start_ns, run.end_ns)
                chunk[run.text("session_id")] = _wider(chunk.get(run.text("session_id"), own), own)
        found = await self._around(chunk)
        scratch.add(found)
        scratch.add(await self._plain_spans(chunk, found))

    async def _around(self, chunk: Named) -> list[StoredRecord]:
        """Records of the candidates near what is known of them, and further away while their beginning lacks."""
        found: list[StoredRecord] = []
        near, lacking = _NEAR_NS, chunk
        for further in (*_FURTHER_NS, 0):
            groups = _groups(lacking, near)
            parts = await asyncio.gather(*(self._lines(keys, place) for keys, place in groups))
            found += (each for part in parts for each in part)
            begun = self._begun(found)
            lacking = {key: place for key, place in lacking.items() if key not in begun}
            if not lacking:
                break
            near = further
        return found

    def _begun(self, found: Iterable[StoredRecord]) -> set[str]:
        """Candidates whose beginning has been seen."""
        if self._key == "session_id":
            return {each.text("session_id") for each in found if each.kind == v.KIND_SESSION}
        return {each.text("trace_id") for each in found if each.get("parent_id") is None and each.kind in OF_WORK}

    async def _lines(
        self, keys: Sequence[str], place: Range, kinds: Sequence[str] = v.WORK_KINDS
    ) -> list[StoredRecord]:
        first, last = self._servers.bounds.all()
        query = f"{logql.selector(kind=tuple(kinds))} {logql.among(self._key, keys)}"
        return await heads(self._servers.loki, query, max(first, place[0]), min(last, place[1]))

    async def _plain_spans(self, chunk: Named, found: list[StoredRecord]) -> list[StoredRecord]:
        """Spans of the candidates that have no line: they count too."""
        known = {each.text("trace_id") for each in found} | (set(chunk) if self._key == "trace_id" else set())
        # Tempo files spans that come late under the time of their arrival.
        place = min(p[0] for p in chunk.values()) - _NEAR_NS, max(p[1] for p in chunk.values()) + _FURTHER_NS[0]
        tempo = self._servers.tempo
        try:
            traces = await tempo.search(traceql.plain_spans(), *place, _PLAIN_TRACES, spans=1)
            ids = [each.trace_id for each in traces if each.trace_id in known]
            in_full = await asyncio.gather(*(tempo.trace(each, place) for each in ids))
        except (BackendUnavailable, BackendTimeout):
            return []
        read_back = (spans.record(*each) for trace in in_full for each in trace)
        return [each for each in read_back if spans.is_plain(each)]


def _wider(one: Range, other: Range) -> Range:
    return min(one[0], other[0]), max(one[1], other[1])


def _groups(places: Named, near_ns: int) -> list[Group]:
    """Candidates that lie close together, each group with the stretch of time to look at."""
    groups: list[Group] = []
    for key, (start, end) in sorted(places.items(), key=lambda item: item[1]):
        place = start - near_ns, end + near_ns
        if groups and place[0] <= groups[-1][1][1]:
            groups[-1] = [*groups[-1][0], key], _wider(groups[-1][1], place)
        else:
            groups.append(([key], place))
    while len(groups) > _MOST_GROUPS:  # every question costs milliseconds, however few lines it has to look at
        groups = [_joined(*groups[i : i + 2]) for i in range(0, len(groups), 2)]
    return groups


def _joined(*groups: Group) -> Group:
    return [key for keys, _ in groups for key in keys], (groups[0][1][0], groups[-1][1][1])
