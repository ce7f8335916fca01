"""Records of which only some fields travel: for questions that look at thousands of them and at little of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from syndarix_obs.store.schema import BOOLEAN_COLUMNS
from syndarix_obs_read.backends.filters import EQUAL, Filter
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.backends.stack.clients.loki import PAGE, Line, Loki
from syndarix_obs_read.backends.stack.fetch import whole, whole_record
from syndarix_obs_read.backends.stack.lines import head
from syndarix_obs_read.backends.stack.queries import logql

ALWAYS: Final = ("record_id", "kind", "start_ns", "end_ns", "status")
"""Fields that are there whatever is asked for."""
_WHOLE_NUMBERS: Final = (
    "start_ns", "end_ns", "loop_count", "found", "tokens", "input_tokens", "output_tokens", "cache_read_tokens",
    "cache_write_tokens", "reasoning_tokens",
)  # fmt: skip
_NUMBERS: Final = ("confidence", "first_token_s", "duration_ms", "value")
_PARTS: Final = ("options", "attributes")
_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    **dict.fromkeys(_WHOLE_NUMBERS, int),
    **dict.fromkeys(_NUMBERS, float),
    **dict.fromkeys(_PARTS, json.loads),
    **dict.fromkeys(BOOLEAN_COLUMNS, "true".__eq__),
}
"""How a field that is no text is read."""


def columns_of(where: Filter, names: Sequence[str]) -> tuple[str, ...]:
    """The fields to fetch: those asked for, and those by which the filter is checked."""
    checked = [name for name in EQUAL if getattr(where, name) is not None]
    checked += ["cost_usd"] if where.min_cost_usd is not None else []
    checked += ["loop_count"] if where.looped else []
    return tuple(dict.fromkeys((*ALWAYS, *checked, *names)))


async def read(loki: Loki, query: str, names: Sequence[str], page: Sequence[Line]) -> list[StoredRecord]:
    """Records of a page of `logql.separated(query, names)`; a line that cannot be told apart is fetched as it is."""
    reads = [_READ.get(name, str) for name in names]
    found: list[StoredRecord] = []
    for line in page:
        values = line.text.split(logql.SEPARATOR)
        try:
            data = {n: r(text) for n, r, text in zip(names, reads, values, strict=True) if text}
        except ValueError:
            found += await _as_it_is(loki, query, line, values[0])
            continue
        if "start_ns" in data:
            found.append(StoredRecord(data, line.level))
    return found


async def _as_it_is(loki: Loki, query: str, line: Line, record_id: str) -> list[StoredRecord]:
    same = await loki.page(whole(query), line.ts_ns, line.ts_ns + 1, PAGE)
    read_back = (whole_record(each) or head(each) for each in same)
    return [each for each in read_back if each is not None and each.text("record_id") == record_id]
