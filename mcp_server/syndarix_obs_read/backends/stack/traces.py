"""One trace with all its records, and traces by the beginning of their id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.rows import Rows, StoredRecord
from syndarix_obs_read.backends.stack import spans
from syndarix_obs_read.backends.stack.candidates import Servers
from syndarix_obs_read.backends.stack.clients.loki import DAY_NS
from syndarix_obs_read.backends.stack.fetch import read, short, whole, whole_record
from syndarix_obs_read.backends.stack.lines import is_running, once, record
from syndarix_obs_read.backends.stack.queries import logql
from syndarix_obs_read.backends.stack.time_bounds import Range, is_beginning, is_trace_id
from syndarix_obs_read.errors import BackendTimeout, BackendUnavailable

_KINDS: Final = tuple(kind for kind in v.WORK_KINDS if kind != v.KIND_COST)
_PAGES: Final = 200


async def of_trace(servers: Servers, trace_id: str, limit: int, payloads: bool) -> Rows[StoredRecord]:
    """Records of one trace, oldest first: Tempo says when it was and knows plain spans, Loki has the rest."""
    from_tempo = await _spans(servers, trace_id)
    if from_tempo:
        ends = [each.end_ns for each in from_tempo]
        place: Range | None = servers.bounds.remember(trace_id, min(e.start_ns for e in from_tempo), max(ends))
    else:
        place = await _hunt(servers, trace_id)
    if place is None:
        return Rows(total=0)
    lines = await _lines(servers, trace_id, place, payloads)
    if from_tempo and _lacking(from_tempo, lines):  # some came so late that Loki has them under a later time
        later = place[1], servers.bounds.all()[1]
        lines = once([*lines, *await _lines(servers, trace_id, later, payloads)])
    found = [*lines, *_lacking(from_tempo, lines, plain=True)]
    found.sort(key=_in_order)
    return Rows(tuple(found[:limit]), len(found) > limit, len(found))


async def ids_beginning(servers: Servers, beginning: str, limit: int) -> list[str]:
    """Ids of traces that begin so; a whole id is asked of Tempo first, which takes no search."""
    if not is_beginning(beginning):
        return []  # else every line of the month would be looked at for what no trace is called
    if is_trace_id(beginning) and await servers.bounds.of_trace(beginning):
        return [beginning]
    query = f"{logql.selector(kind=_KINDS)} {logql.beginning('trace_id', beginning)}"
    stage = f"{logql.ONLY_LEVEL.replace('level', 'trace_id')} | line_format `{{{{.trace_id}}}}`"
    found: set[str] = set()
    async for page in servers.loki.walk(f"{query} {stage}", *servers.bounds.all()):
        found |= {line.text for line in page}
        if is_trace_id(beginning) and found:
            break
    return sorted(found)[:limit]


async def _spans(servers: Servers, trace_id: str) -> list[StoredRecord]:
    if not is_trace_id(trace_id):
        return []
    try:
        return [spans.record(*each) for each in await servers.bounds.spans(trace_id)]
    except (BackendUnavailable, BackendTimeout):
        return []  # what agents did stands in Loki; plain spans are lacking then


async def _hunt(servers: Servers, trace_id: str) -> Range | None:
    """Where the lines of a trace lie that Tempo does not know, because it was not kept or Tempo is down."""
    query = short(f"{logql.selector(kind=_KINDS)} {logql.among('trace_id', (trace_id,))}")
    async for page in servers.loki.walk(query, *servers.bounds.all(), _PAGES):
        return page[-1].ts_ns - DAY_NS, page[0].ts_ns + DAY_NS
    return None


async def _lines(servers: Servers, trace_id: str, place: Range, payloads: bool) -> list[StoredRecord]:
    query = f"{logql.selector(kind=_KINDS)} {logql.among('trace_id', (trace_id,))}"
    if payloads:
        lines = await servers.loki.every(whole(query), *place)
        return once(each for line in lines if (each := record(line, payload=True)) is not None)
    lines = await servers.loki.every(short(query), *place)
    return once(await read(servers.loki, query, lines, whole_record))


def _lacking(
    from_tempo: Sequence[StoredRecord], lines: Sequence[StoredRecord], *, plain: bool = False
) -> list[StoredRecord]:
    """Spans without a line: those that should have one, with `plain` the others too."""
    there = {each.text("record_id") for each in lines if not is_running(each)}
    return [each for each in from_tempo if each.text("record_id") not in there and (plain or not spans.is_plain(each))]


def _in_order(found: StoredRecord) -> tuple[bool, int, int]:
    """What still runs stands first, as in the embedded store."""
    return not is_running(found), found.start_ns, found.end_ns
