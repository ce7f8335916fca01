"""The ledger: lines of kind `cost`, each fetched and added up exactly.

Loki could add them up itself, but in binary fractions and with lines that came twice; 20,000 lines are here in half a
second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.lgtm.fetch import whole
from syndarix_obs_read.backends.lgtm.lines import head
from syndarix_obs_read.backends.lgtm.reach import Reach
from syndarix_obs_read.backends.loki import Line, Loki
from syndarix_obs_read.backends.sqlite.records import of_ledger
from syndarix_obs_read.backends.sqlite.scratch import Scratch
from syndarix_obs_read.queries import logql

T = TypeVar("T")


async def ask(loki: Loki, reach: Reach, where: Filter, what: str, question: Callable[[Scratch], T]) -> T:
    """Put the lines of the ledger that can fit into a scratch store and ask it.

    Args:
        loki: the lines.
        reach: where they lie.
        where: the filter.
        what: the question in words, for a filter that it cannot be narrowed by.
        question: what to ask.
    """
    of_ledger(where, what)  # the same filters are refused
    lines = await loki.every(whole(logql.lines(where, (v.KIND_COST,))), *await reach.of(where, ledger=True))
    return await asyncio.to_thread(_asked, lines, question)


def _asked(lines: list[Line], question: Callable[[Scratch], T]) -> T:
    with Scratch() as scratch:
        scratch.add(each for line in lines if (each := head(line)) is not None)
        return question(scratch)
