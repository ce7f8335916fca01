"""Statistics by agent: every record counts, so of each kind only what is counted travels, and is stored as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import AgentRow
from syndarix_obs_read.backends.sql.agents import FILTERS, statistics
from syndarix_obs_read.backends.sql.scratch import Scratch
from syndarix_obs_read.backends.stack.candidates import Servers
from syndarix_obs_read.backends.stack.clients.loki import Stream
from syndarix_obs_read.backends.stack.columns import Columns
from syndarix_obs_read.backends.stack.queries import logql
from syndarix_obs_read.backends.stack.runs import Runs
from syndarix_obs_read.backends.stack.time_bounds import Range
from syndarix_obs_read.backends.together import together


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _truth(text: str) -> bool | None:
    return text == "true" if text else None


_COUNTED: Final[Mapping[str, Mapping[str, Callable[[str], Any]]]] = {
    v.KIND_LLM_CALL: {"first_token_s": _number, "status": str},
    v.KIND_TOOL_CALL: {"loop_count": _number, "status": str},
    v.KIND_DECISION: {"confidence": _number},
    v.KIND_SAFETY: {"passed": _truth},
}
"""What is counted of each kind, beside how long it took."""
_EMPTY: Final = {"trace_id": "", "span_id": "", "name": "", "level": "info", "status": v.STATUS_OK}
"""Columns that no statistic reads and that are never NULL."""


async def found(servers: Servers, where: Filter) -> list[AgentRow]:
    """Every agent that did something in the period, by name."""
    with Scratch() as scratch:
        statistics(scratch.connection, where)  # a filter that does not fit is refused before anything is fetched
        scratch.expect_many()
        place, narrowed = await servers.bounds.of(where), servers.bounds.until_past(where)
        given = {name: value for name in FILTERS if (value := getattr(where, name)) is not None}
        await together(
            Runs(servers.loki, place, given).into(scratch, narrowed),
            _costs(servers, where, scratch),
            *(_calls(servers, narrowed, place, _Counted(kind, given), scratch) for kind in _COUNTED),
        )
        return await scratch.ask(lambda s: statistics(s.connection, where))


async def _costs(servers: Servers, where: Filter, scratch: Scratch) -> None:
    await scratch.ask((await servers.ledger.lines(where, ("agent",))).into)


async def _calls(servers: Servers, where: Filter, place: Range, counted: _Counted, scratch: Scratch) -> None:
    query = counted.columns.query(logql.lines(where, (counted.kind,)))
    streams = await servers.loki.streams(query, *place)
    await scratch.ask(lambda s: s.add_rows("records", counted.names, counted.rows(streams)))


class _Counted:
    """Lines of one kind as rows of `records`."""

    def __init__(self, kind: str, given: Mapping[str, Any]) -> None:
        self.kind = kind
        self._read = _COUNTED[kind]
        texts = ("agent", "tool") if kind == v.KIND_TOOL_CALL else ("agent",)
        empty = {name: value for name, value in _EMPTY.items() if name not in self._read}
        self.columns = Columns(("end_ns", *self._read), texts, {**empty, "kind": kind, **given})
        self.names = ("record_id", "ts_ns", "end_ns", "duration_ns", *self._read, *self.columns.tail)

    def rows(self, streams: Iterable[Stream]) -> Iterator[tuple[Any, ...]]:
        """In the order of `names`."""
        read = tuple(self._read.values())
        for (record_id, begun, ended, *counted), tail in self.columns.rows(streams):
            start, end = int(begun), int(ended or begun)
            values = [one(text) for one, text in zip(read, counted, strict=True)]
            yield (record_id, start, end, max(0, end - start), *values, *tail)
