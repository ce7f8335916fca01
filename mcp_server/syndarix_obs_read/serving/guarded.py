"""A backend that knows who asks: texts go to those who may read them, and each reading stands in the audit trail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.errors import SyndarixObsError
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import AlertSource, Backend, EdgeSource, OutcomeSource, RawSource
from syndarix_obs_read.backends.rows import (
    AgentRow,
    AlertRow,
    BucketRow,
    Check,
    CostRow,
    LedgerKey,
    RawLine,
    Rows,
    Series,
    SessionRow,
    SilenceRow,
    StoredRecord,
    TraceRow,
)
from syndarix_obs_read.errors import BackendError, ReadError
from syndarix_obs_read.serving.roles import Visit, current, need
from syndarix_obs_read.settings import ReadSettings

Note = Callable[[str, str], None]
"""Writes down who read what; raises when that cannot be done."""
_PREVIEWS: Final = (v.PREVIEW_INPUT, v.PREVIEW_OUTPUT)
_QUOTING: Final = frozenset({"attributes", "events", "error_message", "options", "label"})
"""Fields in which tools, models and people may have quoted what was said."""
_SAFE: Final = ("agent", "project", "trace_id", "tool", "model", "kinds")
"""Filters that name no person: these may stand in an audit record."""


def guarded(backend: Backend, settings: ReadSettings) -> Backend:
    """The backend behind the roles of those who ask, with an audit record in that same backend for each reading."""
    from syndarix_obs_read.privacy.audit import audit

    def note(who: str, detail: str) -> None:
        audit(settings, "read payloads", detail, who)

    mixed = tuple(part for part, protocol in _PARTS.items() if isinstance(backend, protocol))
    kind: type[Guarded] = type("Guarded", (*mixed, Guarded), {}) if mixed else Guarded
    return kind(backend, note, everybody=settings.audit == "all")


class Guarded:
    """What both backends have.

    Args:
        backend: answers.
        note: writes down a reading.
        everybody: also of those who come without a token.
    """

    def __init__(self, backend: Any, note: Note, *, everybody: bool = False) -> None:
        self._backend = backend
        self._note = note
        self._everybody = everybody

    @property
    def name(self) -> str:
        """See `Backend`."""
        return str(self._backend.name)

    @property
    def encrypted(self) -> bool:
        """See `EmbeddedBackend`."""
        return bool(getattr(self._backend, "encrypted", False))

    async def close(self) -> None:
        """See `Backend`."""
        await self._backend.close()

    async def trace(self, trace_id: str, *, limit: int, payloads: bool) -> Rows[StoredRecord]:
        """See `TraceSource`."""
        found = await self._backend.trace(trace_id, limit=limit, payloads=payloads and self._may_read())
        return await self._given(found, f"trace={trace_id}")

    async def trace_ids(self, beginning: str, limit: int) -> list[str]:
        """See `TraceSource`."""
        found: list[str] = await self._backend.trace_ids(beginning, limit)
        return found

    async def search_traces(self, where: Filter, limit: int) -> Rows[TraceRow]:
        """See `TraceSource`."""
        found: Rows[TraceRow] = await self._backend.search_traces(self._searchable(where), limit)
        return found

    async def records(self, where: Filter, *, limit: int, payloads: bool) -> Rows[StoredRecord]:
        """See `RecordSource`."""
        wanted = payloads and self._may_read()
        found = await self._backend.records(self._searchable(where), limit=limit, payloads=wanted)
        return await self._given(found, _words(where))

    async def follow(self, where: Filter) -> AsyncIterator[StoredRecord]:
        """See `RecordSource`."""
        async for record in self._backend.follow(self._searchable(where)):
            if self._may_read():
                await self._noted(f"following {_words(where)}")
                yield record
            else:
                yield _bare(record)

    async def costs(self, where: Filter, by: Sequence[LedgerKey], zone: tzinfo) -> list[CostRow]:
        """See `LedgerSource`."""
        found: list[CostRow] = await self._backend.costs(self._searchable(where), by, zone)
        return found

    async def sessions(self, where: Filter, limit: int) -> Rows[SessionRow]:
        """See `SessionSource`."""
        found: Rows[SessionRow] = await self._backend.sessions(self._searchable(where), limit)
        if self._may_read():
            return found
        return replace(found, rows=tuple(each.model_copy(update={"error_message": None}) for each in found.rows))

    async def agents(self, where: Filter) -> list[AgentRow]:
        """See `AgentSource`."""
        found: list[AgentRow] = await self._backend.agents(self._searchable(where))
        return found

    async def buckets(self, where: Filter, step_ns: int) -> list[BucketRow]:
        """See `BucketSource`."""
        found: list[BucketRow] = await self._backend.buckets(self._searchable(where), step_ns)
        return found

    async def names(self, field: str, limit: int) -> list[str]:
        """See `NameSource`."""
        found: list[str] = await self._backend.names(field, limit)
        return found

    async def extent(self) -> tuple[int, int] | None:
        """See `NameSource`."""
        found: tuple[int, int] | None = await self._backend.extent()
        return found

    async def health(self) -> list[Check]:
        """See `HealthSource`."""
        found: list[Check] = await self._backend.health()
        return found

    def _may_read(self) -> bool:
        visit = current()
        return visit is None or visit.reader is None or visit.reader.may_read_payloads

    def _searchable(self, where: Filter) -> Filter:
        if where.text:
            need("may_read_payloads", "search texts")
        return where

    async def _given(self, found: Rows[StoredRecord], words: str) -> Rows[StoredRecord]:
        if not self._may_read():
            return replace(found, rows=tuple(map(_bare, found.rows)))
        count = sum(bool(each.payload) and each.kind != v.KIND_APP for each in found.rows)
        if count:
            await self._noted(f"{count} of {words}")
        return found

    async def _noted(self, words: str) -> None:
        """Write down the first reading of a request, before anything is shown."""
        visit = current()
        if visit is None or visit.noted or not (visit.reader or self._everybody):
            return
        visit.noted = True
        try:
            await asyncio.to_thread(self._note, _who(visit), f"{visit.what}: {words}")
        except (ReadError, SyndarixObsError, OSError) as error:
            visit.noted = False
            raise BackendError(f"nothing is shown, because the reading could not be recorded: {error}") from error


class GuardedOutcomes(Guarded):
    """Of a backend that knows outcomes at once."""

    async def outcomes(self, session_ids: Collection[str]) -> Mapping[str, tuple[str, str | None]]:
        """See `OutcomeSource`."""
        source: OutcomeSource = self._backend
        return await source.outcomes(session_ids)


class GuardedEdges(Guarded):
    """Of a backend that gives the first and last calls of many runs at once."""

    async def edge_calls(self, field: str, ids: Sequence[str]) -> list[StoredRecord]:
        """See `EdgeSource`; they carry payloads."""
        source: EdgeSource = self._backend
        found = Rows(tuple(await source.edge_calls(field, ids)))
        return list((await self._given(found, f"the first and last calls of {len(ids)} runs")).rows)


class GuardedAlerts(Guarded):
    """Of a backend with alerts: changing them is for operators."""

    async def alerts(self, labels: Mapping[str, str]) -> list[AlertRow]:
        """See `AlertSource`."""
        found: list[AlertRow] = await self._backend.alerts(labels)
        return found

    async def silences(self) -> list[SilenceRow]:
        """See `AlertSource`."""
        found: list[SilenceRow] = await self._backend.silences()
        return found

    async def trigger(
        self, labels: Mapping[str, str], annotations: Mapping[str, str], start_ns: int, end_ns: int
    ) -> None:
        """See `AlertSource`."""
        need("may_change", "raise alerts")
        await self._backend.trigger(labels, annotations, start_ns, end_ns)

    async def silence(self, labels: Mapping[str, str], start_ns: int, end_ns: int, author: str, comment: str) -> str:
        """See `AlertSource`."""
        need("may_change", "silence alerts")
        return str(await self._backend.silence(labels, start_ns, end_ns, author, comment))

    async def expire(self, silence_id: str) -> None:
        """See `AlertSource`."""
        need("may_change", "end a silence")
        await self._backend.expire(silence_id)


class GuardedQueries(Guarded):
    """Of a backend with query languages of its own: lines and spans hold texts."""

    async def query_metrics(
        self, promql: str, since_ns: int, until_ns: int, step_s: float | None, limit: int
    ) -> Rows[Series]:
        """See `RawSource`."""
        found: Rows[Series] = await self._backend.query_metrics(promql, since_ns, until_ns, step_s, limit)
        return found

    async def query_logs(self, logql: str, since_ns: int, until_ns: int, limit: int) -> Rows[RawLine] | Rows[Series]:
        """See `RawSource`; lines hold payloads."""
        need("may_read_payloads", "read lines of Loki")
        await self._noted("lines of Loki")
        found: Rows[RawLine] | Rows[Series] = await self._backend.query_logs(logql, since_ns, until_ns, limit)
        return found

    async def query_traces(self, traceql: str, since_ns: int, until_ns: int, limit: int) -> Rows[Mapping[str, Any]]:
        """See `RawSource`; spans hold previews of payloads."""
        need("may_read_payloads", "read spans of Tempo")
        await self._noted("spans of Tempo")
        found: Rows[Mapping[str, Any]] = await self._backend.query_traces(traceql, since_ns, until_ns, limit)
        return found


_PARTS: Final[Mapping[type[Guarded], type]] = {
    GuardedOutcomes: OutcomeSource, GuardedEdges: EdgeSource, GuardedAlerts: AlertSource, GuardedQueries: RawSource,
}  # fmt: skip
"""What only some backends can do: a backend that cannot does not seem to."""


def _who(visit: Visit) -> str:
    from syndarix_obs_read.privacy.requests import account

    return account() if visit.reader is None else f"{visit.reader.name} ({visit.reader.role})"


def _words(where: Filter) -> str:
    """What was asked for, without a name of a person and without a text."""
    named = {name: value for name, value in where.named().items() if name in _SAFE}
    return ", ".join(f"{name}={value}" for name, value in named.items()) or "all records"


def _bare(record: StoredRecord) -> StoredRecord:
    """The record without its texts: no payload, no previews of it, and nothing that quotes it."""
    attributes = record.get("attributes") or {}
    kept = {name: value for name, value in attributes.items() if name not in _PREVIEWS}
    data = {name: value for name, value in record.data.items() if name not in _QUOTING}
    return StoredRecord({**data, "attributes": kept} if kept else data, record.level)
