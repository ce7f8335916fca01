"""The stack backend: the same answers from Loki, Tempo, Prometheus and Alertmanager."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any, TypeVar

import httpx

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.decrypted import Texts
from syndarix_obs_read.backends.filters import Filter
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
from syndarix_obs_read.backends.sql import ledger as ledger_of
from syndarix_obs_read.backends.sql import records as records_of
from syndarix_obs_read.backends.sql import sessions as sessions_of
from syndarix_obs_read.backends.sql import traces as traces_of
from syndarix_obs_read.backends.sql.scratch import Scratch
from syndarix_obs_read.backends.stack import agents, buckets, names, raw, records, traces
from syndarix_obs_read.backends.stack.candidates import Servers
from syndarix_obs_read.backends.stack.clients.alertmanager import Alertmanager
from syndarix_obs_read.backends.stack.clients.http_client import Access, HttpClient, Server
from syndarix_obs_read.backends.stack.clients.loki import Loki
from syndarix_obs_read.backends.stack.clients.prometheus import Prometheus
from syndarix_obs_read.backends.stack.clients.tempo import Tempo
from syndarix_obs_read.backends.stack.gather import Gather
from syndarix_obs_read.backends.stack.health import Health
from syndarix_obs_read.backends.stack.ledger import Ledger
from syndarix_obs_read.backends.stack.time_bounds import TimeBounds
from syndarix_obs_read.errors import BackendTimeout
from syndarix_obs_read.next_steps import NARROW

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """Where the servers are and how they are asked.

    Args:
        prometheus, loki, tempo, alertmanager: base URLs.
        access: tenant and credentials, for all of them.
        timeout_s: seconds that one question may take.
        max_bytes: largest answer that is taken from a server.
        retention_days: how far back questions without a beginning look.
        stalled_after_s: seconds without a finished step after which a running session counts as stalled.
        home: folder with the keys of encrypted texts; None for none.
        transport: for tests, instead of the network.
        clock: for tests, the wall clock in nanoseconds.
    """

    prometheus: str
    loki: str
    tempo: str
    alertmanager: str
    access: Access = field(default_factory=Access)
    timeout_s: float = 30.0
    max_bytes: int = 64 * 1024 * 1024
    retention_days: int = 30
    stalled_after_s: float = 900.0
    home: Path | None = None
    transport: httpx.AsyncBaseTransport | None = None
    clock: Callable[[], int] = time.time_ns

    def client(self, name: str) -> HttpClient:
        """A client of the server `Loki`, `Tempo`, …"""
        variable = f"SYNDARIX_OBS_READ_{name.upper()}_URL"
        return HttpClient(
            Server(name, getattr(self, name.lower()), variable), self.access,
            timeout_s=self.timeout_s, max_bytes=self.max_bytes, transport=self.transport,
        )  # fmt: skip


class StackBackend:
    """Answers from the servers. Fulfils every Protocol of `protocols.py`, those for alerts and raw queries included."""

    name = "stack"

    def __init__(self, options: StackOptions) -> None:
        self._timeout_s = options.timeout_s
        self._texts = Texts(options.home)
        self._loki = Loki(options.client("Loki"))
        self._tempo = Tempo(options.client("Tempo"))
        self._prometheus = Prometheus(options.client("Prometheus"))
        self._alertmanager = Alertmanager(options.client("Alertmanager"))
        self._bounds = TimeBounds(self._loki, self._tempo, options.retention_days, options.clock)
        self._ledger = Ledger(self._loki, self._bounds)
        self._servers = Servers(self._loki, self._tempo, self._bounds, self._ledger)
        self._health = Health(self._servers, self._prometheus, self._alertmanager, options.stalled_after_s)

    @property
    def encrypted(self) -> bool:
        """Whether texts of users are encrypted under their keys, or were."""
        return bool(self._texts)

    async def close(self) -> None:
        """Give the connections back."""
        for part in (self._loki, self._tempo, self._prometheus, self._alertmanager):
            await part.client.close()

    # --- traces ---

    async def trace(self, trace_id: str, *, limit: int, payloads: bool) -> Rows[StoredRecord]:
        """See `TraceSource`."""
        return self._texts.rows(await self._within(traces.of_trace(self._servers, trace_id, limit, payloads)))

    async def trace_ids(self, beginning: str, limit: int) -> list[str]:
        """See `TraceSource`."""
        return await self._within(traces.ids_beginning(self._servers, beginning, limit))

    async def search_traces(self, where: Filter, limit: int) -> Rows[TraceRow]:
        """See `TraceSource`."""
        gather = Gather[TraceRow](
            self._servers, "trace_id", where, lambda s, w, most: traces_of.found(s.connection, w, most)
        )
        return await self._within(gather.page(limit))

    # --- records ---

    async def records(self, where: Filter, *, limit: int, payloads: bool) -> Rows[StoredRecord]:
        """See `RecordSource`."""
        if where.kinds == (v.KIND_COST,):
            lines = self._ledger.whole(
                where, "the ledger", lambda s: records_of.listed(s.connection, where, limit, False)
            )
            return await self._within(lines)
        found = await self._within(records.listed(self._loki, self._bounds, where, limit, payloads))
        return self._texts.rows(found)

    async def some_fields(self, where: Filter, names: Sequence[str], *, limit: int) -> Rows[StoredRecord]:
        """See `FieldSource`."""
        if where.min_cost_usd is not None and where.kinds == (v.KIND_COST,):  # it names another field there
            return await self.records(where, limit=limit, payloads=False)
        return await self._within(records.with_fields(self._loki, self._bounds, where, names, limit))

    def follow(self, where: Filter) -> AsyncIterator[StoredRecord]:
        """See `RecordSource`; asks twice a second."""
        return self._texts.following(records.follow(self._loki, self._bounds, where))

    # --- sums ---

    async def costs(self, where: Filter, by: Sequence[LedgerKey], zone: tzinfo) -> list[CostRow]:
        """See `LedgerSource`."""
        with Scratch() as empty:  # an unknown dimension is refused before anything is fetched
            ledger_of.grouped(empty.connection, where, by, zone)
        keys = [name for name in by if name not in ledger_of.WORKED_OUT]
        sums = self._ledger.sums(where, "costs", keys, lambda s: ledger_of.grouped(s.connection, where, by, zone))
        return await self._within(sums)

    async def sessions(self, where: Filter, limit: int) -> Rows[SessionRow]:
        """See `SessionSource`."""
        gather = Gather[SessionRow](
            self._servers, "session_id", where, lambda s, w, most: sessions_of.found(s.connection, w, most)
        )
        return self._texts.rows(await self._within(gather.page(limit)))

    async def agents(self, where: Filter) -> list[AgentRow]:
        """See `AgentSource`."""
        return await self._within(agents.found(self._servers, where))

    async def buckets(self, where: Filter, step_ns: int) -> list[BucketRow]:
        """See `BucketSource`."""
        return await self._within(buckets.found(self._servers, where, step_ns))

    # --- names, health ---

    async def names(self, field: str, limit: int) -> list[str]:
        """See `NameSource`."""
        return await self._within(names.distinct(self._loki, self._bounds.all(), field, limit))

    async def extent(self) -> tuple[int, int] | None:
        """See `NameSource`."""
        return await self._within(names.extent(self._loki, self._bounds.all()))

    async def health(self) -> list[Check]:
        """See `HealthSource`."""
        return await self._within(self._health.checks())

    # --- alerts ---

    async def alerts(self, labels: Mapping[str, str]) -> list[AlertRow]:
        """See `AlertSource`."""
        return await self._within(self._alertmanager.alerts(labels))

    async def silences(self) -> list[SilenceRow]:
        """See `AlertSource`."""
        return await self._within(self._alertmanager.silences())

    async def trigger(
        self, labels: Mapping[str, str], annotations: Mapping[str, str], start_ns: int, end_ns: int
    ) -> None:
        """See `AlertSource`."""
        await self._within(self._alertmanager.trigger(labels, annotations, start_ns, end_ns))

    async def silence(self, labels: Mapping[str, str], start_ns: int, end_ns: int, author: str, comment: str) -> str:
        """See `AlertSource`."""
        return await self._within(self._alertmanager.silence(labels, start_ns, end_ns, author, comment))

    async def expire(self, silence_id: str) -> None:
        """See `AlertSource`."""
        await self._within(self._alertmanager.expire(silence_id))

    # --- raw queries ---

    async def query_metrics(
        self, promql: str, since_ns: int, until_ns: int, step_s: float | None, limit: int
    ) -> Rows[Series]:
        """See `RawSource`."""
        return await self._within(raw.metrics(self._prometheus, promql, since_ns, until_ns, step_s, limit))

    async def query_logs(self, logql: str, since_ns: int, until_ns: int, limit: int) -> Rows[RawLine] | Rows[Series]:
        """See `RawSource`."""
        found = await self._within(raw.logs(self._loki, logql, since_ns, until_ns, limit))
        return self._texts.lines(found)

    async def query_traces(self, traceql: str, since_ns: int, until_ns: int, limit: int) -> Rows[Mapping[str, Any]]:
        """See `RawSource`."""
        return self._texts.rows(await self._within(raw.traces(self._tempo, traceql, since_ns, until_ns, limit)))

    async def _within(self, question: Awaitable[T]) -> T:
        try:
            return await asyncio.wait_for(question, self._timeout_s)
        except TimeoutError:
            raise BackendTimeout(
                f"the stack did not answer within {self._timeout_s:g} s",
                next=(*NARROW, ", or raise SYNDARIX_OBS_READ_TIMEOUT"),
            ) from None
