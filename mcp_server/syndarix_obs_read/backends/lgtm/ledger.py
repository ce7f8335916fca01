"""The ledger: lines of kind `cost`, each fetched and added up exactly.

Loki could add them up itself, but in binary fractions and with lines that came twice. Only numbers, ids and the labels
that are asked for travel, so that 20,000 lines are here and added up in about half a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.lgtm.fetch import whole
from syndarix_obs_read.backends.lgtm.lines import head
from syndarix_obs_read.backends.lgtm.reach import Reach
from syndarix_obs_read.backends.loki import Line, Loki
from syndarix_obs_read.backends.sqlite.records import IN_LEDGER, of_ledger
from syndarix_obs_read.backends.sqlite.scratch import Scratch
from syndarix_obs_read.queries import logql

T = TypeVar("T")

_FIELDS: Final = (
    "record_id", "start_ns", "total_cost_usd", "priced", "estimated", "tokens_input", "tokens_output",
    "tokens_cache_read", "tokens_cache_write", "tokens_reasoning", "tokens_total",
)  # fmt: skip
_COUNTS: Final = tuple(name for name in _FIELDS if name.startswith("tokens_"))


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
        query = logql.columns(self._query(where), _FIELDS, tuple(dict.fromkeys((*keys, "model"))))
        lines = await self.loki.every(query, *await self.reach.of(where, ledger=True))
        given = {name: value for name in IN_LEDGER if (value := getattr(where, name)) is not None}
        await scratch.ask(lambda s: s.add_ledger(_columns(lines, given)))

    def _query(self, where: Filter) -> str:
        return logql.lines(self.reach.until_past(where), (v.KIND_COST,))


def _with_lines(scratch: Scratch, lines: Iterable[Line], question: Callable[[Scratch], T]) -> T:
    scratch.add(each for line in lines if (each := head(line)) is not None)
    return question(scratch)


def _columns(lines: Iterable[Line], given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Lines as rows. `given` are the columns that the filter fixed: Loki has seen to them."""
    for line in lines:
        values = line.text.split(" ")
        if len(values) != len(_FIELDS) or not values[1].isdecimal():
            continue  # none of ours
        row: dict[str, Any] = {**logql.fields_of(line.labels), **given, **dict(zip(_FIELDS, values, strict=True))}
        row["start_ns"] = int(values[1])
        row["total_cost_usd"] = values[2] or None
        row["priced"], row["estimated"] = values[3] == "true", values[4] == "true"
        row.update((name, int(row[name] or 0)) for name in _COUNTS)
        yield row
