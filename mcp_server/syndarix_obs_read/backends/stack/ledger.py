"""The ledger: lines of kind `cost`, each fetched and added up exactly.

Loki could add them up itself, but in binary fractions and with lines that came twice. Only numbers, ids and the labels
that are asked for travel, so that 20,000 lines are here and added up in about half a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from syndarix_obs import vocabulary as v
from syndarix_obs.store.schema import pico
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.sql.records import IN_LEDGER, of_ledger
from syndarix_obs_read.backends.sql.scratch import Scratch, amount
from syndarix_obs_read.backends.stack.clients.loki import Line, Loki, Stream
from syndarix_obs_read.backends.stack.columns import Columns
from syndarix_obs_read.backends.stack.fetch import whole
from syndarix_obs_read.backends.stack.lines import head
from syndarix_obs_read.backends.stack.queries import logql
from syndarix_obs_read.backends.stack.time_bounds import TimeBounds

T = TypeVar("T")

_NUMBERS: Final = (
    "total_cost_usd", "priced", "estimated", "tokens_input", "tokens_output", "tokens_cache_read", "tokens_cache_write",
    "tokens_reasoning", "tokens_total",
)  # fmt: skip
_IDS: Final = ("trace_id", "session_id")
_COUNTS: Final = sum(name.startswith("tokens_") for name in _NUMBERS)
_EMPTY: Final = {"trace_id": "", "span_id": "", "status": v.STATUS_OK}
"""Columns that no sum reads and that are never NULL."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of the ledger as columns."""

    columns: Columns
    streams: Sequence[Stream]

    def into(self, scratch: Scratch) -> None:
        """Put them into a scratch store."""
        ids = tuple(name for name in self.columns.numbers if name in _IDS)
        names = ("cost_pico", "ts_ns", "record_id", *_NUMBERS, *ids, *self.columns.tail)
        scratch.add_rows("ledger", names, self._rows())

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        for (record_id, start, cost, priced, estimated, *counts), tail in self.columns.rows(self.streams):
            yield (
                pico(amount(cost)), int(start), record_id, cost or None, priced == "true", estimated == "true",
                *(int(count or 0) for count in counts[:_COUNTS]), *(each or None for each in counts[_COUNTS:]), *tail,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger in Loki.

    Args:
        loki: the lines.
        bounds: where they lie.
    """

    loki: Loki
    bounds: TimeBounds

    async def whole(self, where: Filter, what: str, question: Callable[[Scratch], T]) -> T:
        """Ask a scratch store with the whole lines that can fit.

        Args:
            where: the filter.
            what: the question in words, for a filter that it cannot be narrowed by.
            question: what to ask.
        """
        of_ledger(where, what)  # the same filters are refused
        lines = await self.loki.every(whole(self._query(where)), *await self.bounds.of(where, ledger=True))
        with Scratch() as scratch:
            return await scratch.ask(lambda s: _with_lines(s, lines, question))

    async def costs_by(self, where: Filter, key: str) -> dict[str, tuple[int, int, int]]:
        """First and last time and trillionths of a dollar of each trace or session (`key`), in no order."""
        columns = Columns(("total_cost_usd", key))
        streams = await self.loki.streams(columns.query(self._query(where)), *await self.bounds.of(where, ledger=True))
        return await asyncio.to_thread(_added, columns, streams)

    async def sums(self, where: Filter, what: str, keys: Sequence[str], question: Callable[[Scratch], T]) -> T:
        """The same, with the columns `keys` and what adds up, but no others."""
        of_ledger(where, what)
        lines = await self.lines(where, keys)
        with Scratch() as scratch:
            return await scratch.ask(lambda s: _with_columns(s, lines, question))

    async def lines(self, where: Filter, keys: Sequence[str]) -> Lines:
        """The lines that fit, with the columns `keys` and what adds up."""
        # As labels, ids would make a stream of every line; in the line the last column may be any text.
        ids = tuple(key for key in keys if key in _IDS)
        texts = tuple(dict.fromkeys((*(key for key in keys if key not in _IDS), "model")))
        given = {name: value for name in IN_LEDGER if (value := getattr(where, name)) is not None}
        columns = Columns((*_NUMBERS, *ids), texts, {**_EMPTY, **given})
        query = columns.query(self._query(where))
        return Lines(columns, await self.loki.streams(query, *await self.bounds.of(where, ledger=True)))

    def _query(self, where: Filter) -> str:
        return logql.lines(self.bounds.until_past(where), (v.KIND_COST,))


def _added(columns: Columns, streams: Sequence[Stream]) -> dict[str, tuple[int, int, int]]:
    seen: set[str] = set()
    found: dict[str, tuple[int, int, int]] = {}
    for (record_id, begun, cost, name), _ in columns.rows(streams):
        if not name or record_id in seen:
            continue
        seen.add(record_id)
        start = int(begun)
        first, last, total = found.get(name, (start, start, 0))
        found[name] = min(first, start), max(last, start), total + (pico(amount(cost)) or 0)
    return found


def _with_lines(scratch: Scratch, lines: Iterable[Line], question: Callable[[Scratch], T]) -> T:
    scratch.add(each for line in lines if (each := head(line)) is not None)
    return question(scratch)


def _with_columns(scratch: Scratch, lines: Lines, question: Callable[[Scratch], T]) -> T:
    lines.into(scratch)
    return question(scratch)
