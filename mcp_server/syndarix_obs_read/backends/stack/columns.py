"""Lines as rows: of each only the columns that a question needs travel, and they go straight into a scratch store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from syndarix_obs_read.backends.stack.clients.loki import Stream
from syndarix_obs_read.backends.stack.queries import logql

PLACE: Final = ("record_id", "start_ns")
"""What every row begins with: an id, and a whole number, by which lines of somebody else are told."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns.

    Args:
        numbers: fields after `PLACE`: numbers and ids, only the last of them may be any text.
        texts: fields that come as labels, where any text is safe; of few values, as every combination is a stream.
        fixed: columns that have one value in every row, such as those that the filter asked for.
    """

    numbers: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def query(self, query: str) -> str:
        """The query whose lines are these columns."""
        return logql.columns(query, (*PLACE, *self.numbers), self.texts)

    @property
    def tail(self) -> tuple[str, ...]:
        """Names of the columns in the second part of each row."""
        return tuple(dict.fromkeys(name for name in (*self.texts, *self.fixed) if name not in self.numbers))

    def rows(self, streams: Iterable[Stream]) -> Iterator[tuple[list[str], tuple[Any, ...]]]:
        """Of each line `PLACE` and numbers as text, empty where it lacks one, and the tail; strangers are left out."""
        splits, tail = len(PLACE) + len(self.numbers) - 1, self.tail
        for labels, lines in streams:
            known = {**logql.fields_of(labels), **self.fixed}
            found = tuple(map(known.get, tail))
            for line in lines:
                values = line[1].split(" ", splits)
                if len(values) > splits and values[1].isdecimal():
                    yield values, found
