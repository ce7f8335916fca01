"""What agents did, in buckets of time: of each call only what is counted travels, and is stored as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import BucketRow
from syndarix_obs_read.backends.sql import buckets
from syndarix_obs_read.backends.sql.agents import FILTERS
from syndarix_obs_read.backends.sql.scratch import Scratch
from syndarix_obs_read.backends.stack.candidates import Servers
from syndarix_obs_read.backends.stack.clients.loki import Stream
from syndarix_obs_read.backends.stack.columns import Columns
from syndarix_obs_read.backends.stack.queries import logql
from syndarix_obs_read.backends.stack.time_bounds import Range
from syndarix_obs_read.backends.together import together


def _count(text: str) -> int:
    return int(text) if text.isdecimal() else 0


_NUMBERS: Final[Mapping[str, Mapping[str, Callable[[str], Any]]]] = {
    v.KIND_LLM_CALL: {"status": str, "input_tokens": _count, "output_tokens": _count},
    v.KIND_TOOL_CALL: {"status": str},
}
"""What is counted of each kind, beside how long it took."""
_TEXTS: Final = {v.KIND_LLM_CALL: ("agent", "project"), v.KIND_TOOL_CALL: ("agent", "project", "tool")}
_EMPTY: Final = {"trace_id": "", "span_id": "", "name": "", "level": "info"}
"""Columns that no bucket reads and that are never NULL."""


async def found(servers: Servers, where: Filter, step_ns: int) -> list[BucketRow]:
    """A row for each bucket, agent and project that did something."""
    with Scratch() as scratch:
        buckets.found(scratch.connection, where, step_ns)  # what does not fit is refused before anything is fetched
        scratch.expect_many()
        place, narrowed = await servers.bounds.of(where), servers.bounds.until_past(where)
        given = {name: value for name in FILTERS if (value := getattr(where, name)) is not None}
        await together(
            _costs(servers, where, scratch),
            *(_calls(servers, narrowed, place, _Counted(kind, given), scratch) for kind in _NUMBERS),
        )
        return await scratch.ask(lambda s: buckets.found(s.connection, where, step_ns))


async def _costs(servers: Servers, where: Filter, scratch: Scratch) -> None:
    await scratch.ask((await servers.ledger.lines(where, ("agent", "project"))).into)


async def _calls(servers: Servers, where: Filter, place: Range, counted: _Counted, scratch: Scratch) -> None:
    streams = await servers.loki.streams(counted.columns.query(logql.lines(where, (counted.kind,))), *place)
    await scratch.ask(lambda s: s.add_rows("records", counted.names, counted.rows(streams)))


class _Counted:
    """Lines of one kind as rows of `records`."""

    def __init__(self, kind: str, given: Mapping[str, Any]) -> None:
        self.kind = kind
        self._read = _NUMBERS[kind]
        self.columns = Columns(("end_ns", *self._read), _TEXTS[kind], {**_EMPTY, "kind": kind, **given})
        self.names = ("record_id", "ts_ns", "end_ns", "duration_ns", *self._read, *self.columns.tail)

    def rows(self, streams: Iterable[Stream]) -> Iterator[tuple[Any, ...]]:
        """In the order of `names`."""
        read = tuple(self._read.values())
        for (record_id, begun, ended, *counted), tail in self.columns.rows(streams):
            start, end = int(begun), int(ended or begun)
            values = [one(text) for one, text in zip(read, counted, strict=True)]
            yield (record_id, start, end, max(0, end - start), *values, *tail)
