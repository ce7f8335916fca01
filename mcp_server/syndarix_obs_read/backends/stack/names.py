"""What can be asked for: values that occur, and since when."""

from __future__ import annotations

from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.stack.clients.loki import DAY_NS, Loki
from syndarix_obs_read.backends.stack.fetch import heads, read, short
from syndarix_obs_read.backends.stack.lines import head
from syndarix_obs_read.backends.stack.queries import logql
from syndarix_obs_read.backends.stack.time_bounds import Range
from syndarix_obs_read.errors import FilterError, Refused
from syndarix_obs_read.timerange import SECOND_NS

_KIND_OF: Final = {
    "agent": v.KIND_SESSION,
    "project": v.KIND_SESSION,
    "user": v.KIND_SESSION,
    "service": v.KIND_SESSION,
    "environment": v.KIND_SESSION,
    "task_type": v.KIND_TASK,
    "model": v.KIND_LLM_CALL,
    "tool": v.KIND_TOOL_CALL,
    "decision_type": v.KIND_DECISION,
}
"""On which records each field's values stand."""
_ENDS: Final = 200


async def distinct(loki: Loki, place: Range, field: str, limit: int) -> list[str]:
    """Values of a filter field that occur, in order of the alphabet."""
    if field not in _KIND_OF:
        raise FilterError(f"there are no names for {field!r}; possible: {', '.join(_KIND_OF)}")
    query = logql.count_by(logql.selector(kind=_KIND_OF[field]), field, (place[1] - place[0]) // SECOND_NS)
    try:
        return sorted(await loki.counts(query, logql.label_of(field), place[1]))[:limit]
    except Refused as error:
        if "series" not in error.said:
            raise
    # More values than Loki gives series for: read them off the lines.
    found = await heads(loki, logql.selector(kind=_KIND_OF[field]), *place)
    return sorted({each.text(field) for each in found} - {""})[:limit]


async def extent(loki: Loki, place: Range) -> tuple[int, int] | None:
    """Times of the oldest and the newest record."""
    query = logql.selector(kind=v.WORK_KINDS)
    async for page in loki.walk(short(query), *place, _ENDS):
        newest = [each.start_ns for each in await read(loki, query, page, head)]
        oldest = await _oldest(loki, query, place)
        return (min([*oldest, *newest]), max(newest)) if newest else None
    return None


async def _oldest(loki: Loki, query: str, place: Range) -> list[int]:
    start, end = place
    while start < end:
        until = min(start + 7 * DAY_NS, end)
        if page := await loki.page(short(query), start, until, _ENDS, forward=True):
            return [each.start_ns for each in await read(loki, query, page, head)]
        start = until
    return []
