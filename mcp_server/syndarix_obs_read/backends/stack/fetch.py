"""Many lines at once, without the payloads that most questions do not need."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.backends.stack.clients.loki import PAGE, Line, Loki
from syndarix_obs_read.backends.stack.lines import head, is_ours, record
from syndarix_obs_read.backends.stack.queries import logql

Reader = Callable[[Line], StoredRecord | None]


async def heads(loki: Loki, query: str, start_ns: int, end_ns: int) -> list[StoredRecord]:
    """The plain fields of all records of a query, in no order."""
    return await read(loki, query, await loki.every(short(query), start_ns, end_ns), head)


def short(query: str) -> str:
    """The query with its lines cut behind the fields."""
    return f"{whole(query)} {logql.HEAD}"


def whole(query: str) -> str:
    """The query with whole lines, and no labels but those that do not stand in them."""
    return f"{query} {logql.ONLY_LEVEL}"


async def read(loki: Loki, query: str, lines: list[Line], reader: Reader) -> list[StoredRecord]:
    """Records of cut lines; those whose fields are longer than a head are fetched again in full."""
    found = [(line, reader(line)) for line in lines]
    long = [line for line, each in found if each is None and is_ours(line)]
    again = await asyncio.gather(*(_uncut(loki, query, line) for line in long))
    return [each for each in (*(each for _, each in found), *again) if each is not None]


async def _uncut(loki: Loki, query: str, line: Line) -> StoredRecord | None:
    """The line again: its record_id stands within the part that we have."""
    same = await loki.page(whole(query), line.ts_ns, line.ts_ns + 1, PAGE)
    begin = line.text[: logql.HEAD_CHARS // 2]
    return next((record(each, payload=False) for each in same if each.text.startswith(begin)), None)


def whole_record(line: Line) -> StoredRecord | None:
    """Reader of everything but the payload: attributes and events too."""
    return record(line, payload=False)
