"""Answers over archived days too: they are put back into a file of their own, with what is in the store of that time.

A question that needs no archived day is answered by the store alone. A day is put back once for as long as the backend
is open, so a second question about the same time costs nothing more.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Final

from syndarix_obs.store.database import open_for_read, open_for_write
from syndarix_obs_read.archive import restore
from syndarix_obs_read.archive import tables as t
from syndarix_obs_read.archive.known import known_archives
from syndarix_obs_read.backends.embedded import EmbeddedBackend
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
from syndarix_obs_read.settings import ReadSettings

_EVER: Final = Filter()


class ArchivedBackend:
    """The embedded backend with its archives. Fulfils every Protocol that `EmbeddedBackend` does.

    Args:
        settings: where store and archives are, and how long a question may take.
        store: the backend over the store.
    """

    name = "embedded"

    def __init__(self, settings: ReadSettings, store: EmbeddedBackend) -> None:
        self._settings = settings
        self._store = store
        self._archives = known_archives(settings)
        self._loading = asyncio.Lock()
        self._loaded: set[tuple[int, str]] = set()
        self._open = contextlib.ExitStack()
        self._scratch: tuple[Path, EmbeddedBackend] | None = None

    @property
    def encrypted(self) -> bool:
        """See `EmbeddedBackend`."""
        return self._store.encrypted

    async def close(self) -> None:
        """Close everything, and delete what was put back."""
        if self._scratch is not None:
            await self._scratch[1].close()
        self._open.close()
        await self._store.close()

    async def trace(self, trace_id: str, *, limit: int, payloads: bool) -> Rows[StoredRecord]:
        """See `TraceSource`."""
        source = await self._for(Filter(trace_id=trace_id))
        return await source.trace(trace_id, limit=limit, payloads=payloads)

    async def trace_ids(self, beginning: str, limit: int) -> list[str]:
        """See `TraceSource`."""
        days = await asyncio.to_thread(self._days_with, "trace_id", beginning, beginning=True)
        source = await self._with(days, _EVER, t.TABLES)
        found = await source.trace_ids(beginning, limit)
        return sorted({*found, *await self._store.trace_ids(beginning, limit)})[:limit]

    async def search_traces(self, where: Filter, limit: int) -> Rows[TraceRow]:
        """See `TraceSource`."""
        return await (await self._for(where)).search_traces(where, limit)

    async def records(self, where: Filter, *, limit: int, payloads: bool) -> Rows[StoredRecord]:
        """See `RecordSource`."""
        return await (await self._for(where)).records(where, limit=limit, payloads=payloads)

    async def some_fields(self, where: Filter, names: Sequence[str], *, limit: int) -> Rows[StoredRecord]:
        """See `FieldSource`."""
        return await (await self._for(where)).some_fields(where, names, limit=limit)

    def follow(self, where: Filter) -> AsyncIterator[StoredRecord]:
        """See `RecordSource`: what arrives from now on is in the store."""
        return self._store.follow(where)

    async def costs(self, where: Filter, by: Sequence[LedgerKey], zone: tzinfo) -> list[CostRow]:
        """See `LedgerSource`."""
        return await (await self._for(where, (t.LEDGER,))).costs(where, by, zone)

    async def sessions(self, where: Filter, limit: int) -> Rows[SessionRow]:
        """See `SessionSource`."""
        return await (await self._for(where)).sessions(where, limit)

    async def outcomes(self, session_ids: Collection[str]) -> Mapping[str, tuple[str, str | None]]:
        """See `OutcomeSource`: of the store, and of the days that are put back already."""
        found = dict(await self._store.outcomes(session_ids))
        return found if self._scratch is None else {**await self._scratch[1].outcomes(session_ids), **found}

    async def agents(self, where: Filter) -> list[AgentRow]:
        """See `AgentSource`."""
        return await (await self._for(where)).agents(where)

    async def buckets(self, where: Filter, step_ns: int) -> list[BucketRow]:
        """See `BucketSource`."""
        return await (await self._for(where)).buckets(where, step_ns)

    async def names(self, field: str, limit: int) -> list[str]:
        """See `NameSource`: of the store, and of the days that are put back already."""
        found = set(await self._store.names(field, limit))
        if self._scratch is not None:
            found |= set(await self._scratch[1].names(field, limit))
        return sorted(found)[:limit]

    async def extent(self) -> tuple[int, int] | None:
        """See `NameSource`; archived days count as whole ones."""
        ends = await self._store.extent()
        days = await asyncio.to_thread(self._days)
        if not days:
            return ends
        first, last = min(days) * t.DAY_NS, (max(days) + 1) * t.DAY_NS - 1
        return (first, last) if ends is None else (min(first, ends[0]), max(last, ends[1]))

    async def health(self) -> list[Check]:
        """See `HealthSource`."""
        return await self._store.health()

    async def _for(self, where: Filter, tables: Sequence[t.Table] = t.TABLES) -> EmbeddedBackend:
        days = await asyncio.to_thread(self._days_of, where)
        return await self._with(days, where, tables)

    async def _with(self, days: Collection[int], where: Filter, tables: Sequence[t.Table]) -> EmbeddedBackend:
        """The store, or, when archived days are needed, a file with these and with the store's rows of that time."""
        if not days:
            return self._store
        async with self._loading:
            if self._scratch is None:
                path = self._open.enter_context(restore.scratch(self._settings.home))
                open_for_write(path).close()
                settings = self._settings
                backend = EmbeddedBackend(
                    path, timeout_s=settings.timeout, stalled_after_s=settings.stalled_after, home=settings.home
                )
                self._scratch = path, backend
            await asyncio.to_thread(self._load, self._scratch[0], days, where, tables)
        return self._scratch[1]

    def _load(self, path: Path, days: Collection[int], where: Filter, tables: Sequence[t.Table]) -> None:
        with contextlib.closing(open_for_write(path)) as connection:
            before = len(self._loaded)
            for day in sorted(days):
                self._load_archived(connection, day, tables)
            with contextlib.ExitStack() as stack:
                if self._settings.store_path.exists() and self._settings.store_path.stat().st_size:
                    store = stack.enter_context(contextlib.closing(open_for_read(self._settings.store_path)))
                    for day in self._days_in_store(store, where):
                        self._load_stored(connection, store, day, tables)
            if len(self._loaded) > before:
                restore.erase_erased(connection, self._settings.home)

    def _load_archived(self, connection: sqlite3.Connection, day: int, tables: Sequence[t.Table]) -> None:
        for table in tables:
            if (day, f"archived {table.name}") in self._loaded:
                continue
            for seals in self._archives:
                for part in seals.parts(day, table.name):
                    restore.put_back_part(connection, seals, part)
            self._loaded.add((day, f"archived {table.name}"))

    def _load_stored(
        self, connection: sqlite3.Connection, store: sqlite3.Connection, day: int, tables: Sequence[t.Table]
    ) -> None:
        for table in tables:
            if (day, table.name) not in self._loaded:
                restore.copy_day(connection, store, table, day)
                self._loaded.add((day, table.name))

    def _days_in_store(self, store: sqlite3.Connection, where: Filter) -> set[int]:
        """Days of the store in which a question's rows may lie."""
        for column, value in (("trace_id", where.trace_id), ("session_id", where.session_id)):
            if value is not None:
                tables = " UNION ".join(
                    f"SELECT {table.time} / {t.DAY_NS} FROM {table.name} WHERE {column} = ?1"  # noqa: S608 - our names
                    for table in t.TABLES
                )
                return {row[0] for row in store.execute(tables, (value,))}
        last = where.until_ns // t.DAY_NS
        found = {day for table in t.TABLES for day in t.days_of(store, table, 2**63 - 1, where.since_ns)}
        return {day for day in found if day <= last}

    def _days(self) -> set[int]:
        return {day for seals in self._archives for day in seals.days()}

    def _days_of(self, where: Filter) -> set[int]:
        """Archived days in which a question's rows may lie."""
        days = {day for day in self._days() if where.since_ns // t.DAY_NS <= day <= where.until_ns // t.DAY_NS}
        for column, value in (("trace_id", where.trace_id), ("session_id", where.session_id)):
            if value is not None and days:
                return self._days_with(column, value) & days
        return days

    def _days_with(self, column: str, value: str, *, beginning: bool = False) -> set[int]:
        found: set[int] = set()
        for seals in self._archives:
            found |= restore.days_with(seals, seals.days(), column, value, beginning=beginning)
        return found


def clear_left_over(home: Path) -> None:
    """Delete what processes that were killed had put back."""
    for folder in restore.left_over(home):
        shutil.rmtree(folder, ignore_errors=True)
