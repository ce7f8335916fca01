"""Single records: listed, searched, followed."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import Rows, StoredRecord
from syndarix_obs_read.backends.sql.conditions import DEFAULT_KINDS
from syndarix_obs_read.backends.stack import some_fields
from syndarix_obs_read.backends.stack.clients.loki import PAGE, Line, Loki
from syndarix_obs_read.backends.stack.fetch import read, short, whole, whole_record
from syndarix_obs_read.backends.stack.lines import fits, is_running, once, record
from syndarix_obs_read.backends.stack.queries import logql
from syndarix_obs_read.backends.stack.time_bounds import AHEAD_NS, TimeBounds
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.next_steps import Argument, Ask
from syndarix_obs_read.timerange import SECOND_NS

_FEWEST: Final = 100
_WITH_PAYLOADS: Final = 500
_FOLLOW_EVERY_S: Final = 0.5
_FOLLOW_BACK_NS: Final = 60 * SECOND_NS
"""How late a line may arrive and still be followed."""
_FOLLOWED: Final = 50_000


async def listed(loki: Loki, bounds: TimeBounds, where: Filter, limit: int, payloads: bool) -> Rows[StoredRecord]:
    """Records that fit, the last begun first; only an answer that is not cut knows how many there are."""
    kinds = _log_kinds(where)
    query, uncut = logql.lines(bounds.until_past(where), kinds), payloads or bool(where.text)
    size = min(max(limit + 1, _FEWEST), _WITH_PAYLOADS if uncut else PAGE)

    async def reading(page: list[Line]) -> list[StoredRecord]:
        if uncut:
            return _fitting(page, where, payloads=payloads)
        return [each for each in await read(loki, query, page, whole_record) if _fits(where, each)]

    asked = whole(query) if uncut else short(query)
    walk = loki.ahead if limit >= PAGE else loki.walk
    return await _newest(walk(asked, *await bounds.of(where), size), reading, limit)


async def with_fields(
    loki: Loki, bounds: TimeBounds, where: Filter, names: Sequence[str], limit: int
) -> Rows[StoredRecord]:
    """The same with some of their fields."""
    if where.text:
        return await listed(loki, bounds, where, limit, payloads=False)
    kinds, columns = _log_kinds(where), some_fields.columns_of(where, names)
    query = logql.lines(bounds.until_past(where), kinds)

    async def reading(page: list[Line]) -> list[StoredRecord]:
        return [each for each in await some_fields.read(loki, query, columns, page) if _fits(where, each)]

    walk, size = (loki.ahead if limit >= PAGE else loki.walk), min(max(limit + 1, _FEWEST), PAGE)
    return await _newest(walk(logql.separated(query, columns), *await bounds.of(where), size), reading, limit)


async def _newest(
    pages: AsyncGenerator[list[Line], None], reading: Callable[[list[Line]], Awaitable[list[StoredRecord]]], limit: int
) -> Rows[StoredRecord]:
    """The records of the pages that began last, as soon as no later page can hold one that began after them."""
    found: list[StoredRecord] = []
    async with contextlib.aclosing(pages):
        async for page in pages:
            found += await reading(page)
            if len(found) <= limit:
                continue
            found = sorted(once(found), key=_newest_first)
            # Everything older in Loki also began before this page's last line.
            if len(found) > limit and found[limit].start_ns > page[-1].ts_ns:
                break
    found = sorted(once(found), key=_newest_first)
    more = len(found) > limit
    return Rows(tuple(found[:limit]), more, None if more else len(found))


async def follow(loki: Loki, bounds: TimeBounds, where: Filter) -> AsyncIterator[StoredRecord]:
    """Records that fit and arrive from now on: Loki is asked twice a second for its last minute.

    Asking again, unlike Loki's websocket, passes through every proxy and survives a restart of Loki. A line that
    arrives more than a minute late is not shown.
    """
    query = whole(logql.lines(where, _log_kinds(where)))
    seen: OrderedDict[str, None] = OrderedDict()
    await _arrived(loki, bounds, query, where, seen)
    while True:
        for found in await _arrived(loki, bounds, query, where, seen):
            yield found
        await asyncio.sleep(_FOLLOW_EVERY_S)


async def _arrived(
    loki: Loki, bounds: TimeBounds, query: str, where: Filter, seen: OrderedDict[str, None]
) -> list[StoredRecord]:
    now = bounds.now()
    page = await loki.page(query, now - _FOLLOW_BACK_NS, now + AHEAD_NS, PAGE)
    new = []
    for found in reversed(_fitting(page, where, payloads=True)):
        if found.text("record_id") not in seen:
            seen[found.text("record_id")] = None
            new.append(found)
    while len(seen) > _FOLLOWED:
        seen.popitem(last=False)
    return new


_PLAIN: Final = Argument("kind", v.KIND_SPAN)


def _log_kinds(where: Filter) -> tuple[str, ...]:
    if v.KIND_SPAN in where.kinds:
        raise FilterError(
            "plain spans are no log lines in the stack",
            next=("read them with their trace (", Ask("trace", id="ID"), "), or leave ", _PLAIN, " away"),
        )
    return where.kinds or DEFAULT_KINDS


def _fitting(page: list[Line], where: Filter, *, payloads: bool) -> list[StoredRecord]:
    read = ((line, record(line, payload=payloads)) for line in page)
    return [each for line, each in read if each is not None and _fits(where, each, line)]


def _fits(where: Filter, found: StoredRecord, line: Line | None = None) -> bool:
    return not is_running(found) and fits(where, found, line)


def _newest_first(found: StoredRecord) -> tuple[int, int]:
    return -found.start_ns, -found.end_ns
