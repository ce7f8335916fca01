"""Which traces or sessions could fit: named, newest first, by lines of one kind that fit the most telling filter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from syndarix_obs import vocabulary as v
from syndarix_obs.store.schema import pico
from syndarix_obs_read.backends.filters import LARGEST_NS, Filter
from syndarix_obs_read.backends.sql.conditions import DEFAULT_KINDS
from syndarix_obs_read.backends.stack.clients.loki import Line, Loki
from syndarix_obs_read.backends.stack.clients.tempo import Tempo
from syndarix_obs_read.backends.stack.columns import PLACE, Columns
from syndarix_obs_read.backends.stack.fetch import whole
from syndarix_obs_read.backends.stack.ledger import Ledger
from syndarix_obs_read.backends.stack.lines import fits, record
from syndarix_obs_read.backends.stack.queries import logql, traceql
from syndarix_obs_read.backends.stack.time_bounds import Range, TimeBounds
from syndarix_obs_read.backends.together import together
from syndarix_obs_read.errors import BackendTimeout, BackendUnavailable
from syndarix_obs_read.timerange import SECOND_NS

Key = Literal["trace_id", "session_id"]
Named = dict[str, Range]
"""Candidates, newest first, each with a stretch of time in which it did something."""

Part = tuple[Filter, tuple[str, ...]]
"""A filter and the kinds of lines that show what it names."""

_ABOUT_WORK: Final = (v.KIND_APP, v.KIND_ANNOTATION, v.KIND_SCORE, v.KIND_ANOMALY)
OF_WORK: Final = tuple(kind for kind in DEFAULT_KINDS if kind not in _ABOUT_WORK)
"""Kinds of record that can begin a trace."""
_OF_RUN: Final = (v.KIND_SESSION, v.KIND_TASK, v.KIND_LLM_CALL, v.KIND_TOOL_CALL)
_KIND_OF: Final = {"tool": v.KIND_TOOL_CALL, "model": v.KIND_LLM_CALL, "decision_type": v.KIND_DECISION}
_PLAIN_TRACES: Final = 500
_BEYOND_NS: Final = 3_600 * SECOND_NS
_PLACE: Final = ("trace_id", "start_ns", "record_id", "status")
"""What travels of a line, before the key, which is the caller's own text and may hold spaces."""


@dataclass(frozen=True, slots=True)
class Servers:
    """What is asked: lines, spans, where they lie, and the ledger."""

    loki: Loki
    tempo: Tempo
    bounds: TimeBounds
    ledger: Ledger


async def named(servers: Servers, where: Filter, key: Key, size: int) -> AsyncIterator[tuple[Named, int]]:
    """Candidates in portions, each with the time before which everything lies that is still to come.

    Args:
        servers: what is asked.
        where: the filter.
        key: traces or sessions.
        size: lines of one portion.
    """
    where = servers.bounds.until_past(where)
    narrowed, kinds = driver(where, key)
    if narrowed.text is None and _is_by_cost(where, narrowed):
        yield await _costly(servers, where, key), 0
        return
    if where.status == v.STATUS_RUNNING and narrowed.text is None:
        yield await _running(servers, where, key), 0
        return
    query, place = logql.lines(narrowed, kinds), await servers.bounds.of(where)
    short = whole(query) if narrowed.text else logql.columns(query, (*_PLACE, key))
    async for page in servers.loki.walk(short, *place, size):
        found: Named = {}
        for line in page:
            name, start_ns = _containing(line, narrowed, key) if narrowed.text else _columns(line)
            if name:
                known = found.get(name, (start_ns, line.ts_ns))
                found[name] = min(known[0], start_ns), max(known[1], line.ts_ns)
        yield found, page[-1].ts_ns


async def plain_traces(servers: Servers, where: Filter, limit: int) -> Named:
    """Traces that a plain span began: they may have no line at all."""
    if where.text or where.min_cost_usd or where.looped or where.trace_id:
        return {}
    if where.model or where.tool or where.decision_type:
        return {}
    place = servers.bounds.of_period(where)
    try:
        found = await servers.tempo.search(traceql.plain_roots(where), *place, min(limit + 1, _PLAIN_TRACES))
    except (BackendUnavailable, BackendTimeout):
        return {}  # without Tempo the list lacks traces without any line
    return {each.trace_id: (each.start_ns, each.end_ns) for each in found}


async def having_the_rest(servers: Servers, where: Filter, key: Key) -> set[str] | None:
    """Those that have everything that the filter names but its driver; None when it names nothing else.

    A filter of several parts may fit few of the many that fit one of them.
    """
    where = servers.bounds.until_past(where)
    parts = _parts(where, key)[1:]
    if where.text is not None or not parts:
        return None
    place = await servers.bounds.of(where)
    return set.intersection(*await together(*(_all_named(servers, *part, key, place) for part in parts)))


async def _all_named(servers: Servers, where: Filter, kinds: Sequence[str], key: Key, place: Range) -> set[str]:
    columns = Columns(("trace_id",) if key == "trace_id" else ("trace_id", "session_id"))
    groups = tuple(kind for kind in kinds if kind != v.KIND_SAFETY), (v.KIND_SAFETY,) if v.KIND_SAFETY in kinds else ()
    queries = [columns.query(logql.lines(where, group)) for group in groups if group]
    streams = await together(*(servers.loki.streams(query, *place) for query in queries))
    rows = (values for found in streams for values, _ in columns.rows(found))
    return {values[-1] or values[len(PLACE)] for values in rows}


def driver(where: Filter, key: Key) -> tuple[Filter, tuple[str, ...]]:
    """The filter and kinds of the lines that name candidates: something that every trace or session that fits has."""
    base = _base(where)
    if where.text is not None:
        return replace(base, text=where.text), DEFAULT_KINDS
    parts = _parts(where, key)
    return parts[0] if parts else _of_run(where, key, base)


def _parts(where: Filter, key: Key) -> list[Part]:
    """What the filter names, each with the kinds of lines that show it, the most telling first."""
    base = _base(where)
    parts: list[Part] = [
        (replace(base, **{name: value}), (kind,))
        for name, kind in _KIND_OF.items()
        if (value := getattr(where, name)) is not None
    ]
    if where.looped:
        parts.append((replace(base, looped=True), (v.KIND_TOOL_CALL,)))
    if key == "trace_id" and where.status == v.STATUS_ERROR:
        parts.append((replace(base, status=v.STATUS_ERROR), DEFAULT_KINDS))
    if len(parts) == 1:  # of two of those, what an agent or a user did besides would tell little more
        parts += [
            (replace(base, **{name: value}), _OF_RUN)
            for name in ("user", "task_type", "agent")
            if (value := getattr(where, name)) is not None
        ][:1]
    return parts


def _base(where: Filter) -> Filter:
    """What every driver has. Something may go on beyond the period that it began in: an hour of that counts."""
    until_ns = min(where.until_ns + _BEYOND_NS, LARGEST_NS)
    return Filter(since_ns=where.since_ns, until_ns=until_ns, session_id=where.session_id, trace_id=where.trace_id)


def _of_run(where: Filter, key: Key, base: Filter) -> tuple[Filter, tuple[str, ...]]:
    roots = OF_WORK if key == "trace_id" else (v.KIND_SESSION,)
    for name in ("user", "task_type", "agent", "project", "service", "environment"):
        if getattr(where, name) is not None:
            if name in ("task_type", "agent"):
                return replace(base, **{name: getattr(where, name)}), _OF_RUN
            return replace(base, until_ns=where.until_ns, **{name: getattr(where, name)}), roots
    if key == "session_id" and where.status is not None:
        base = replace(base, status=where.status)
    # A session lasts as long as its own line says; a trace, unless a plain span began it, as one of its lines says.
    return replace(base, until_ns=where.until_ns, min_duration_ns=where.min_duration_ns), roots


def _is_by_cost(where: Filter, narrowed: Filter) -> bool:
    alone = replace(narrowed, min_duration_ns=None, until_ns=0) == replace(_base(where), until_ns=0)
    return where.min_cost_usd is not None and alone


async def _costly(servers: Servers, where: Filter, key: Key) -> Named:
    """Those whose calls add up to the least cost: read off the ledger."""
    least = pico(where.min_cost_usd) or 0
    sums = await servers.ledger.costs_by(_base(where), key)
    costly = {name: (first, last) for name, (first, last, total) in sums.items() if total >= least}
    return dict(sorted(costly.items(), key=lambda item: -item[1][1]))


async def _running(servers: Servers, where: Filter, key: Key) -> Named:
    """Those with a session that has begun and not ended: there is a line of its beginning alone."""
    base = _base(where)
    query = logql.columns(logql.lines(base, (v.KIND_SESSION,)), (*_PLACE, key))
    begun: Named = {}
    record_ids: dict[str, str] = {}
    ended = set()
    for line in sorted(await servers.loki.every(query, *await servers.bounds.of(where)), key=_newest):
        name, start_ns = _columns(line)
        record_id, status = [*line.text.split(" "), "", ""][2:4]
        if status != v.STATUS_RUNNING:
            ended.add(record_id)
        elif name:
            begun.setdefault(name, (start_ns, line.ts_ns))
            record_ids[record_id] = name
    running = {name for record_id, name in record_ids.items() if record_id not in ended}
    return {name: place for name, place in begun.items() if name in running}


def _newest(line: Line) -> int:
    return -line.ts_ns


def _columns(line: Line) -> tuple[str, int]:
    trace_id, start, _, _, name = [*line.text.split(" ", 4), "", "", "", ""][:5]
    return name or trace_id, int(start) if start.isdecimal() else line.ts_ns


def _containing(line: Line, where: Filter, key: Key) -> tuple[str, int]:
    found = record(line, payload=False)
    if found is None or not fits(where, found, line):
        return "", 0
    return found.text(key) or found.text("trace_id"), found.start_ns
