"""Traces and sessions that contain something: candidates newest first, all their records, then one exact statement.

Lines of one kind that fit the most telling filter name the candidates, newest first. Of every candidate all records are
fetched into a scratch store, and the embedded backend's own statement decides which fit. It goes on until there are
enough and no candidate that is still to come can be newer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, Literal, Protocol, TypeVar

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.lgtm import spans
from syndarix_obs_read.backends.lgtm.fetch import heads, read, short, whole
from syndarix_obs_read.backends.lgtm.lines import fits, head, record
from syndarix_obs_read.backends.lgtm.reach import AHEAD_NS, Range, Reach
from syndarix_obs_read.backends.loki import DAY_NS, Line, Loki
from syndarix_obs_read.backends.rows import Page, StoredRecord
from syndarix_obs_read.backends.sqlite.conditions import DEFAULT_KINDS
from syndarix_obs_read.backends.sqlite.scratch import Scratch
from syndarix_obs_read.backends.tempo import Tempo
from syndarix_obs_read.errors import BackendTimeout, BackendUnavailable
from syndarix_obs_read.queries import logql, traceql

Key = Literal["trace_id", "session_id"]

_AT_ONCE: Final = 100
"""Candidates whose records are fetched together: their ids stand in one query."""
_AROUND_NS: Final = DAY_NS // 24
_FURTHER_NS: Final = DAY_NS
_PLAIN_TRACES: Final = 500
_OF_WORK: Final = tuple(kind for kind in DEFAULT_KINDS if kind not in (v.KIND_APP, v.KIND_ANNOTATION))
_OF_RUN: Final = (v.KIND_SESSION, v.KIND_TASK, v.KIND_LLM_CALL, v.KIND_TOOL_CALL)
_OF_SPANS: Final = ("agent", "project", "user", "session_id", "task_type", "service", "environment")


class _Row(Protocol):
    @property
    def start_ns(self) -> int: ...


R = TypeVar("R", bound=_Row)
Statement = Callable[[Scratch, Filter, int], Page[R]]


@dataclass(frozen=True, slots=True)
class Servers:
    """What is asked: lines, spans, and where they lie."""

    loki: Loki
    tempo: Tempo
    reach: Reach


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
        self._loki = servers.loki
        self._key = key
        self._where = where
        self._statement = statement
        self._loaded: set[str] = set()

    async def page(self, limit: int) -> Page[R]:
        """The newest rows that fit; only a complete answer knows how many there are."""
        # A text was looked for in whole lines: only traces and sessions that have it become candidates.
        asked = replace(self._where, text=None)
        rows: tuple[R, ...] = ()
        with Scratch() as scratch:
            self._statement(scratch, asked, 1)  # a filter that does not exist is refused before anything is fetched
            async for chunk, last_ns in self._chunks(limit):
                await self._load(scratch, chunk)
                rows = (await asyncio.to_thread(self._statement, scratch, asked, limit + 1)).rows
                if len(rows) > limit and rows[limit].start_ns > last_ns:
                    break
        more = len(rows) > limit
        return Page(rows[:limit], more, None if more else len(rows))

    async def _chunks(self, limit: int) -> AsyncIterator[tuple[dict[str, Range], int]]:
        """Candidates with the time of the line that named them, and how far back in time we are."""
        last_ns = self._servers.reach.now() + AHEAD_NS
        if plain := await self._plain_traces(limit):
            yield plain, last_ns
        waiting: dict[str, Range] = {}
        most = min(max(limit + 1, 20), _AT_ONCE)
        async for page, last_ns in self._named(max(10 * most, 200)):
            for each in page:
                _widen(waiting, each.text(self._key), each)
            new = [key for key in waiting if key and key not in self._loaded]
            for start in range(0, len(new) - len(new) % most, most):
                yield {key: waiting[key] for key in new[start : start + most]}, last_ns
        if rest := {key: place for key, place in waiting.items() if key and key not in self._loaded}:
            yield rest, 0

    async def _named(self, size: int) -> AsyncIterator[tuple[list[StoredRecord], int]]:
        narrowed, kinds = driver(self._where, self._key)
        query = logql.lines(narrowed, kinds)
        lines = self._loki.walk(
            whole(query) if narrowed.text else short(query), *await self._servers.reach.of(self._where), size
        )
        async for page in lines:
            yield await self._fitting(query, page, narrowed), page[-1].ts_ns

    async def _fitting(self, query: str, page: list[Line], where: Filter) -> list[StoredRecord]:
        if where.text is None:
            return [each for each in await read(self._loki, query, page, head) if fits(where, each)]
        found = ((line, record(line, payload=False)) for line in page)
        return [each for line, each in found if each is not None and fits(where, each, line)]

    async def _load(self, scratch: Scratch, chunk: dict[str, Range]) -> None:
        """Everything that belongs to the candidates."""
        self._loaded |= set(chunk)
        keys = list(chunk)
        since, until = min(r[0] for r in chunk.values()), max(r[1] for r in chunk.values())
        if self._key == "session_id":
            runs = await self._lines(keys, self._servers.reach.all(), (v.KIND_SESSION,))
            scratch.add(runs)
            since = min([since, *(run.start_ns for run in runs)])
            until = max([until, *(run.end_ns for run in runs)])
        near = since - _AROUND_NS, until + _AROUND_NS
        found = await self._lines(keys, near)
        scratch.add(found)
        if beyond := self._unfinished(keys, found):
            for outer in ((near[0] - _FURTHER_NS, near[0]), (near[1], near[1] + _FURTHER_NS)):
                scratch.add(further := await self._lines(beyond, outer))
                found += further
        scratch.add(await self._plain_spans(found, near))

    async def _lines(self, keys: Sequence[str], place: Range, kinds: Sequence[str] = v.LOG_KINDS) -> list[StoredRecord]:
        first, last = self._servers.reach.all()
        query = f"{logql.selector(kind=tuple(kinds))} {logql.among(self._key, keys)}"
        return await heads(self._loki, query, max(first, place[0]), min(last, place[1]))

    def _unfinished(self, keys: list[str], found: list[StoredRecord]) -> list[str]:
        """Candidates whose beginning has not been seen: they are longer than what was looked at."""
        begun = {each.text(self._key) for each in found if each.get("parent_id") is None and each.kind in _OF_WORK}
        if self._key == "session_id":
            begun |= {each.text("session_id") for each in found if each.kind == v.KIND_SESSION}
        return [key for key in keys if key not in begun]

    async def _plain_traces(self, limit: int) -> dict[str, Range]:
        """Traces that a plain span began: they may have no line at all."""
        where = self._where
        if self._key != "trace_id" or where.text or where.min_cost_usd or where.looped:
            return {}
        if where.model or where.tool or where.decision_type or where.trace_id:
            return {}
        place = self._servers.reach.of_period(where)
        try:
            found = await self._servers.tempo.search(traceql.plain_roots(), *place, min(limit + 1, _PLAIN_TRACES))
        except (BackendUnavailable, BackendTimeout):
            return {}  # without Tempo the list lacks traces without any line
        return {each.trace_id: (each.start_ns, each.end_ns) for each in found}

    async def _plain_spans(self, found: list[StoredRecord], place: Range) -> list[StoredRecord]:
        """Spans of the candidates that have no line: they count too."""
        known = {each.text("trace_id") for each in found} | (self._loaded if self._key == "trace_id" else set())
        try:
            traces = await self._servers.tempo.search(traceql.plain_spans(), *place, _PLAIN_TRACES, spans=1)
            ids = [each.trace_id for each in traces if each.trace_id in known]
            whole_traces = await asyncio.gather(*map(self._servers.tempo.trace, ids))
        except (BackendUnavailable, BackendTimeout):
            return []
        read_back = (spans.record(*each) for trace in whole_traces for each in trace)
        return [each for each in read_back if spans.is_plain(each)]


def driver(where: Filter, key: Key) -> tuple[Filter, tuple[str, ...]]:
    """The filter and kinds of the lines that name candidates: something that every trace or session that fits has."""
    base = Filter(since_ns=where.since_ns, session_id=where.session_id, trace_id=where.trace_id)
    if where.text is not None:
        return replace(base, text=where.text), DEFAULT_KINDS
    for name, kind in (("tool", v.KIND_TOOL_CALL), ("model", v.KIND_LLM_CALL), ("decision_type", v.KIND_DECISION)):
        if getattr(where, name) is not None:
            return replace(base, **{name: getattr(where, name)}), (kind,)
    if where.looped:
        return replace(base, looped=True), (v.KIND_TOOL_CALL,)
    if key == "trace_id" and where.status == v.STATUS_ERROR:
        return replace(base, status=v.STATUS_ERROR), DEFAULT_KINDS
    return _of_run(where, key, base)


def _of_run(where: Filter, key: Key, base: Filter) -> tuple[Filter, tuple[str, ...]]:
    for name in ("user", "task_type", "agent", "project", "service", "environment"):
        if getattr(where, name) is not None:
            kinds = _OF_RUN if name in ("task_type", "agent") else _OF_WORK if key == "trace_id" else (v.KIND_SESSION,)
            return replace(base, **{name: getattr(where, name)}), kinds
    if where.min_cost_usd is not None:
        return base, (v.KIND_COST,)
    return base, (v.KIND_SESSION,) if key == "session_id" else _OF_WORK


def _widen(places: dict[str, Range], key: str, found: StoredRecord) -> None:
    start, end = places.get(key, (found.start_ns, found.end_ns))
    places[key] = min(start, found.start_ns), max(end, found.end_ns)
