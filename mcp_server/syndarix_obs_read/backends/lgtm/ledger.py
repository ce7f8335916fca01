"""The ledger: lines of kind `cost`, each fetched and added up exactly.

Loki could add them up itself, but in binary fractions and with lines that came twice. Only numbers, ids and the labels
that are asked for travel, so that 20,000 lines are here and added up in about half a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from syndarix_obs import vocabulary as v
from syndarix_obs.store.schema import pico
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.lgtm.fetch import whole
from syndarix_obs_read.backends.lgtm.lines import head
from syndarix_obs_read.backends.lgtm.reach import Reach
from syndarix_obs_read.backends.loki import Line, Loki
from syndarix_obs_read.backends.sqlite.records import IN_LEDGER, of_ledger
from syndarix_obs_read.backends.sqlite.scratch import Scratch, amount
from syndarix_obs_read.queries import logql

T = TypeVar("T")

_FIELDS: Final = (
    "record_id", "start_ns", "total_cost_usd", "priced", "estimated", "tokens_input", "tokens_output",
    "tokens_cache_read", "tokens_cache_write", "tokens_reasoning", "tokens_total",
)  # fmt: skip
_IDS: Final = ("trace_id", "session_id")
_COUNTS: Final = sum(name.startswith("tokens_") for name in _FIELDS)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger in Loki.

    Args:
        loki: the lines.
        reach: where they lie.
    """

    loki: Loki
    reach: Reach

    async def whole(self, where: Filter, what: str, question: Callable[[Scratch], T]) -> T:
        """Ask a scratch store with the whole lines that can fit.

        Args:
            where: the filter.
            what: the question in words, for a filter that it cannot be narrowed by.
            question: what to ask.
        """
        of_ledger(where, what)  # the same filters are refused
        lines = await self.loki.every(whole(self._query(where)), *await self.reach.of(where, ledger=True))
        with Scratch() as scratch:
            return await scratch.ask(lambda s: _with_lines(s, lines, question))

    async def sums(self, where: Filter, what: str, keys: Sequence[str], question: Callable[[Scratch], T]) -> T:
        """The same, with the columns `keys` and what adds up, but no others."""
        of_ledger(where, what)
        with Scratch() as scratch:
            await self.fill(scratch, where, keys)
            return await scratch.ask(question)

    async def fill(self, scratch: Scratch, where: Filter, keys: Sequence[str]) -> None:
        """Put the lines that fit into a scratch store, with the columns `keys` and what adds up."""
        # As labels, ids would make a stream of every line; in the line the last column may be any text.
        fields = (*_FIELDS, *(key for key in keys if key in _IDS))
        texts = tuple(dict.fromkeys((*(key for key in keys if key not in _IDS), "model")))
        query = logql.columns(self._query(where), fields, texts)
        lines = await self.loki.every(query, *await self.reach.of(where, ledger=True))
        given = {name: value for name in IN_LEDGER if (value := getattr(where, name)) is not None}
        rows = Columns(fields[len(_FIELDS) :], texts, given)
        await scratch.ask(lambda s: s.add_ledger(rows.names, rows.of(lines)))

    def _query(self, where: Filter) -> str:
        return logql.lines(self.reach.until_past(where), (v.KIND_COST,))


def _with_lines(scratch: Scratch, lines: Iterable[Line], question: Callable[[Scratch], T]) -> T:
    scratch.add(each for line in lines if (each := head(line)) is not None)
    return question(scratch)


class Columns:
    """Lines of columns as rows of the ledger.

    Args:
        ids: ids that stand behind the numbers.
        texts: columns that came as labels.
        given: columns that the filter fixed: Loki has seen to them.
    """

    def __init__(self, ids: Sequence[str], texts: Sequence[str], given: Mapping[str, Any]) -> None:
        self._fixed = {"trace_id": "", "span_id": "", "status": v.STATUS_OK, **given}
        self._tail = tuple(name for name in dict.fromkeys((*texts, *self._fixed)) if name not in ids)
        self._width = len(_FIELDS) + len(ids)
        self.names = ("cost_pico", "ts_ns", *(name for name in _FIELDS if name != "start_ns"), *ids, *self._tail)

    def of(self, lines: Iterable[Line]) -> Iterator[tuple[Any, ...]]:
        """Rows, in the order of `names`; lines of somebody else are passed over."""
        labels: Mapping[str, str] | None = None
        tail: tuple[Any, ...] = ()
        for line in lines:
            values = line.text.split(" ", self._width - 1)
            if len(values) != self._width or not values[1].isdecimal():
                continue
            if line.labels is not labels:  # lines of one stream share them
                labels = line.labels
                found = {**logql.fields_of(labels), **self._fixed}
                tail = tuple(found.get(name) for name in self._tail)
            record_id, start, cost, priced, estimated, *counts = values
            yield (
                pico(amount(cost)), int(start), record_id, cost or None, priced == "true", estimated == "true",
                *(int(count or 0) for count in counts[:_COUNTS]), *counts[_COUNTS:], *tail,
            )  # fmt: skip
