"""Records of the stack for an export: Loki's lines, one stretch of time after the other.

Plain spans of other libraries are in Tempo alone and no lines of Loki: they are not in an export of the stack.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.backends.sql.conditions import DEFAULT_KINDS
from syndarix_obs_read.backends.stack.clients.http_client import Access, HttpClient, Server
from syndarix_obs_read.backends.stack.clients.loki import DAY_NS, PAGE, Line, Loki
from syndarix_obs_read.backends.stack.fetch import whole
from syndarix_obs_read.backends.stack.lines import fits, is_running, record
from syndarix_obs_read.backends.stack.queries import logql
from syndarix_obs_read.backends.stack.time_bounds import AHEAD_NS, LATE_NS
from syndarix_obs_read.export.rows import Choice, Entry
from syndarix_obs_read.settings import ReadSettings, variable

_PIECE_NS: Final = DAY_NS // 4
_PAGE: Final = 1_000
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


def pieces(settings: ReadSettings, choice: Choice, now_ns: int | None = None) -> list[tuple[int, int]]:
    """Stretches of Loki's time in which the records lie, the first moment of each not included."""
    now = time.time_ns() if now_ns is None else now_ns
    first = max(choice.since_ns, now - settings.retention_days * DAY_NS) // _PIECE_NS * _PIECE_NS - 1
    last = min(choice.until_ns + LATE_NS, now + AHEAD_NS)
    return [(start, min(start + _PIECE_NS, last)) for start in range(first, last, _PIECE_NS)]


def entries(settings: ReadSettings, choice: Choice, after: int, last: int) -> Iterator[list[Entry]]:
    """Pages of entries whose line lies in a stretch of Loki's time, the last first, each record once.

    Raises:
        BackendError: Loki does not answer.
    """
    for page in records(settings, choice, after, last):
        yield [(dict(found.data), _encode(found.payload) if found.payload else None) for found in page]


def records(settings: ReadSettings, choice: Choice, after: int, last: int) -> Iterator[list[StoredRecord]]:
    """The same as records. Raises BackendError."""
    with asyncio.Runner() as runner:
        client = HttpClient(
            Server("Loki", settings.loki_url, variable("loki_url")),
            Access(settings.tenant, settings.token_file, settings.basic_auth_file),
            timeout_s=settings.timeout, max_bytes=settings.max_response_bytes,
        )  # fmt: skip
        try:
            walk = Loki(client).walk(whole(_query(choice)), after + 1, last + 1, min(PAGE, _PAGE))
            seen: set[str] = set()
            while (page := runner.run(_next(walk))) is not None:
                yield [found for line in page if (found := _found(choice, line, seen)) is not None]
        finally:
            runner.run(client.close())


async def _next(walk: Any) -> list[Line] | None:
    return await anext(walk, None)


def _query(choice: Choice) -> str:
    return logql.lines(_filter(choice), _kinds(choice))


def _kinds(choice: Choice) -> tuple[str, ...]:
    return {"ledger": (v.KIND_COST,), "decisions": (v.KIND_DECISION,)}.get(choice.what, DEFAULT_KINDS)


def _filter(choice: Choice) -> Filter:
    equal: dict[str, Any] = dict(choice.equal)
    return Filter(since_ns=choice.since_ns, until_ns=min(choice.until_ns, 2**63 - 1), **equal)


def _found(choice: Choice, line: Line, seen: set[str]) -> StoredRecord | None:
    found = record(line, payload=True)
    if found is None or is_running(found) or not fits(_filter(choice), found, line):
        return None
    name = found.text("record_id")
    if name in seen:
        return None
    seen.add(name)
    return found
