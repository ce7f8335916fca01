"""The embedded backend: the SQLite file that agents write, read in threads."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Final

from syndarix_obs_read.backends.decrypted import Texts
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import (
    AgentRow,
    BucketRow,
    Check,
    CostRow,
    LedgerKey,
    Rows,
    SessionRow,
    StoredRecord,
    TraceRow,
)
from syndarix_obs_read.backends.sql import agents, buckets, health, ledger, names, records, sessions, traces
from syndarix_obs_read.backends.sql.pool import Pool
from syndarix_obs_read.errors import BackendError, BackendTimeout

_FOLLOW_EVERY_S: Final = 0.25
_FOLLOW_ROWS: Final = 1_000
_CHECK_EVERY_S: Final = 60.0
_MOST_ROWS: Final = 2**31
_NEXT_STEP: Final = re.compile(r": (?=run |set |end |ask )|; |\. (?=[A-Z`])")
"""Where a message stops saying what happened and says what to do."""


class EmbeddedBackend:
    """Answers from one SQLite file. Fulfils every Protocol of `protocols.py`.

    Args:
        path: the file; it need not exist yet: then every question says how to fill it.
        timeout_s: seconds that one question may take.
        stalled_after_s: seconds without a finished step after which a running session counts as stalled.
        check_s: seconds for which `health` may check the whole file.
        home: folder with the keys of encrypted texts; that of the file unless given.
    """

    name = "embedded"

    def __init__(
        self,
        path: Path,
        *,
        timeout_s: float = 30.0,
        stalled_after_s: float = 900.0,
        check_s: float = 2.0,
        home: Path | None = None,
    ) -> None:
        self._check_s = check_s
        self._checked: tuple[float, Check] | None = None
        self._pool = Pool(path, timeout_s)
        self._texts = Texts(path.parent if home is None else home)
        self._stalled_after_s = stalled_after_s

    @property
    def encrypted(self) -> bool:
        """Whether texts of users are encrypted under their keys, or were."""
        return bool(self._texts)

    async def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    async def trace(self, trace_id: str, *, limit: int, payloads: bool) -> Rows[StoredRecord]:
        """See `TraceSource`."""
        found = await self._pool.run(lambda c: records.of_trace(c, trace_id, _rows(limit), payloads))
        return self._texts.rows(found)

    async def trace_ids(self, beginning: str, limit: int) -> list[str]:
        """See `TraceSource`."""
        return await self._pool.run(lambda c: records.ids_beginning(c, beginning, _rows(limit)))

    async def search_traces(self, where: Filter, limit: int) -> Rows[TraceRow]:
        """See `TraceSource`."""
        return await self._pool.run(lambda c: traces.found(c, where, _rows(limit)))

    async def records(self, where: Filter, *, limit: int, payloads: bool) -> Rows[StoredRecord]:
        """See `RecordSource`."""
        return self._texts.rows(await self._pool.run(lambda c: records.listed(c, where, _rows(limit), payloads)))

    async def some_fields(self, where: Filter, names: Sequence[str], *, limit: int) -> Rows[StoredRecord]:
        """See `FieldSource`."""
        return await self._pool.run(lambda c: records.with_fields(c, where, names, _rows(limit)))

    async def follow(self, where: Filter) -> AsyncIterator[StoredRecord]:
        """See `RecordSource`; looks four times a second."""
        after = await self._pool.run(records.last_id)
        while True:
            seen = after
            found, after = await self._pool.run(lambda c, seen=seen: records.arrived(c, where, seen, _FOLLOW_ROWS))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            for record in self._texts.all(found):
                yield record
            if len(found) < _FOLLOW_ROWS:
                await asyncio.sleep(_FOLLOW_EVERY_S)

    async def costs(self, where: Filter, by: Sequence[LedgerKey], zone: tzinfo) -> list[CostRow]:
        """See `LedgerSource`."""
        return await self._pool.run(lambda c: ledger.grouped(c, where, by, zone))

    async def sessions(self, where: Filter, limit: int) -> Rows[SessionRow]:
        """See `SessionSource`."""
        return self._texts.rows(await self._pool.run(lambda c: sessions.found(c, where, _rows(limit))))

    async def outcomes(self, session_ids: Collection[str]) -> Mapping[str, tuple[str, str | None]]:
        """See `OutcomeSource`."""
        return await self._pool.run(lambda c: sessions.outcomes(c, session_ids))

    async def edge_calls(self, field: str, ids: Sequence[str]) -> list[StoredRecord]:
        """See `EdgeSource`."""
        return self._texts.all(await self._pool.run(lambda c: records.edge_calls(c, field, ids)))

    async def agents(self, where: Filter) -> list[AgentRow]:
        """See `AgentSource`."""
        return await self._pool.run(lambda c: agents.statistics(c, where))

    async def buckets(self, where: Filter, step_ns: int) -> list[BucketRow]:
        """See `BucketSource`."""
        return await self._pool.run(lambda c: buckets.found(c, where, step_ns))

    async def names(self, field: str, limit: int) -> list[str]:
        """See `NameSource`."""
        return await self._pool.run(lambda c: names.distinct(c, field, _rows(limit)))

    async def extent(self) -> tuple[int, int] | None:
        """See `NameSource`."""
        return await self._pool.run(names.extent)

    async def health(self) -> list[Check]:
        """See `HealthSource`; a store that cannot be read is a finding."""
        try:
            return [*await self._pool.run(self._parts), await self._whole()]
        except BackendTimeout:
            raise
        except BackendError as error:
            finding, *mend = _NEXT_STEP.split(str(error), maxsplit=1)
            return [Check(name="store", state="failing", finding=finding, mend=mend[0] if mend else None)]

    def _parts(self, connection: sqlite3.Connection) -> list[Check]:
        return [*health.checks(connection, self._pool.path, self._stalled_after_s), *self._archive()]

    def _archive(self) -> list[Check]:
        from syndarix_obs_read.archive.seals import sealed_days

        days = sealed_days(self._pool.path.parent)
        if not days:
            return []
        said = f"{len(days):,} days, {days[0]} to {days[-1]}; `syndarix-obs archive --verify` reads them"
        return [Check(name="archive", state="ok", finding=said)]

    async def _whole(self) -> Check:
        """The check of the whole file, once a minute: pages ask for it whenever they are shown."""
        now = time.monotonic()
        if self._checked is None or now - self._checked[0] > _CHECK_EVERY_S:
            path, seconds = self._pool.path, self._check_s
            self._checked = now, await self._pool.run(lambda c: health.whole(c, path, seconds))
        return self._checked[1]


def _rows(limit: int) -> int:
    """A limit as SQLite takes it: below zero it would mean none at all, and beyond 64 bits it is refused."""
    return max(0, min(limit, _MOST_ROWS))
