"""The embedded backend: the SQLite file that agents write, read in threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Final

from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import (
    AgentRow,
    Check,
    CostRow,
    Dimension,
    Page,
    SessionRow,
    StoredRecord,
    TraceRow,
)
from syndarix_obs_read.backends.sql import agents, health, ledger, names, records, sessions, traces
from syndarix_obs_read.backends.sql.pool import Pool
from syndarix_obs_read.errors import BackendUnavailable

_FOLLOW_EVERY_S: Final = 0.25
_FOLLOW_ROWS: Final = 1_000
_MOST_ROWS: Final = 2**31


class EmbeddedBackend:
    """Answers from one SQLite file. Fulfils every Protocol of `protocols.py`.

    Args:
        path: the file; it need not exist yet: then every question says how to fill it.
        timeout_s: seconds that one question may take.
        stalled_after_s: seconds without a finished step after which a running session counts as stalled.
    """

    name = "embedded"

    def __init__(self, path: Path, *, timeout_s: float = 30.0, stalled_after_s: float = 900.0) -> None:
        self._pool = Pool(path, timeout_s)
        self._stalled_after_s = stalled_after_s

    async def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    async def trace(self, trace_id: str, *, limit: int, payloads: bool) -> Page[StoredRecord]:
        """See `TraceSource`."""
        return await self._pool.run(lambda c: records.of_trace(c, trace_id, _rows(limit), payloads))

    async def trace_ids(self, beginning: str, limit: int) -> list[str]:
        """See `TraceSource`."""
        return await self._pool.run(lambda c: records.ids_beginning(c, beginning, _rows(limit)))

    async def search_traces(self, where: Filter, limit: int) -> Page[TraceRow]:
        """See `TraceSource`."""
        return await self._pool.run(lambda c: traces.found(c, where, _rows(limit)))

    async def records(self, where: Filter, *, limit: int, payloads: bool) -> Page[StoredRecord]:
        """See `RecordSource`."""
        return await self._pool.run(lambda c: records.listed(c, where, _rows(limit), payloads))

    async def follow(self, where: Filter) -> AsyncIterator[StoredRecord]:
        """See `RecordSource`; looks four times a second."""
        after = await self._pool.run(records.last_id)
        while True:
            seen = after
            found, after = await self._pool.run(lambda c, seen=seen: records.arrived(c, where, seen, _FOLLOW_ROWS))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            for record in found:
                yield record
            if len(found) < _FOLLOW_ROWS:
                await asyncio.sleep(_FOLLOW_EVERY_S)

    async def costs(self, where: Filter, by: Sequence[Dimension], zone: tzinfo) -> list[CostRow]:
        """See `LedgerSource`."""
        return await self._pool.run(lambda c: ledger.grouped(c, where, by, zone))

    async def sessions(self, where: Filter, limit: int) -> Page[SessionRow]:
        """See `SessionSource`."""
        return await self._pool.run(lambda c: sessions.found(c, where, _rows(limit)))

    async def outcomes(self, session_ids: Collection[str]) -> Mapping[str, tuple[str, str | None]]:
        """See `OutcomeSource`."""
        return await self._pool.run(lambda c: sessions.outcomes(c, session_ids))

    async def agents(self, where: Filter) -> list[AgentRow]:
        """See `AgentSource`."""
        return await self._pool.run(lambda c: agents.statistics(c, where))

    async def names(self, field: str, limit: int) -> list[str]:
        """See `NameSource`."""
        return await self._pool.run(lambda c: names.distinct(c, field, _rows(limit)))

    async def extent(self) -> tuple[int, int] | None:
        """See `NameSource`."""
        return await self._pool.run(names.extent)

    async def health(self) -> list[Check]:
        """See `HealthSource`; a store that cannot be read is a finding."""
        try:
            return await self._pool.run(lambda c: health.checks(c, self._pool.path, self._stalled_after_s))
        except BackendUnavailable as error:
            finding, _, mend = str(error).partition(": ")
            return [Check(name="store", state="failing", finding=finding, mend=mend or None)]


def _rows(limit: int) -> int:
    """A limit as SQLite takes it: below zero it would mean none at all, and beyond 64 bits it is refused."""
    return max(0, min(limit, _MOST_ROWS))
