"""What answers need from a backend: one Protocol per signal, fulfilled by the embedded store and by the stack.

All questions are asynchronous; the embedded store answers them in a thread. Any of them may raise
`BackendUnavailable`, `BackendTimeout` or `BackendAnswer`, and `FilterError` for a filter it cannot honour. Lists come
newest first unless said otherwise, are limited, and say whether there is more. No limit is ever exceeded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Protocol, runtime_checkable

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


@runtime_checkable
class TraceSource(Protocol):
    """Traces: one by id, some by their beginning, many by criteria."""

    async def trace(self, trace_id: str, *, limit: int, payloads: bool) -> Rows[StoredRecord]:
        """Records of one trace, oldest first, sessions that still run included; empty when it does not exist.

        Lines of the ledger are not among them: they repeat what the model calls say.
        """
        ...

    async def trace_ids(self, beginning: str, limit: int) -> list[str]:
        """Ids of traces that begin with these characters, in order."""
        ...

    async def search_traces(self, where: Filter, limit: int) -> Rows[TraceRow]:
        """Traces that fit. `agent`, `project`, `user`, `session_id`, `task_type`, `model`, `tool`, `text` and status
        `error` fit when something in the trace does; status `ok` and `running` and the duration are the trace's own."""
        ...


@runtime_checkable
class RecordSource(Protocol):
    """Records of any kind, which are also the log lines."""

    async def records(self, where: Filter, *, limit: int, payloads: bool) -> Rows[StoredRecord]:
        """Records that fit; without `kinds` all but plain spans and lines of the ledger."""
        ...

    def follow(self, where: Filter) -> AsyncIterator[StoredRecord]:
        """Records that fit and arrive from now on, with payloads, in the order of arrival; never ends by itself."""
        ...


@runtime_checkable
class FieldSource(Protocol):
    """Records of which only some fields are wanted. A backend without it is asked for the records themselves."""

    async def some_fields(self, where: Filter, names: Sequence[str], *, limit: int) -> Rows[StoredRecord]:
        """As `records` without payloads, but of the data only `record_id`, `kind`, `start_ns`, `end_ns`, `status`, what
        the filter names, and `names`."""
        ...


@runtime_checkable
class LedgerSource(Protocol):
    """Sums of the cost ledger."""

    async def costs(self, where: Filter, by: Sequence[LedgerKey], zone: tzinfo) -> list[CostRow]:
        """One row per combination of the keys, one in all without any; none for an empty ledger.

        `zone` says where days begin."""
        ...


@runtime_checkable
class SessionSource(Protocol):
    """Sessions, running ones included."""

    async def sessions(self, where: Filter, limit: int) -> Rows[SessionRow]:
        """Sessions that began in the period and fit; `status` and `min_duration_ns` are the session's own."""
        ...


@runtime_checkable
class OutcomeSource(Protocol):
    """How many sessions ended at once. A backend without it is asked for the sessions themselves."""

    async def outcomes(self, session_ids: Collection[str]) -> Mapping[str, tuple[str, str | None]]:
        """Status and outcome of these sessions; those that are not known are left out."""
        ...


@runtime_checkable
class EdgeSource(Protocol):
    """The first and last model calls of many runs at once. A backend without it is asked for the calls themselves."""

    async def edge_calls(self, field: str, ids: Sequence[str]) -> list[StoredRecord]:
        """The first and the last model call, with payloads, of each trace or session; `field` is `trace_id` or
        `session_id`. Embeddings are none."""
        ...


@runtime_checkable
class AgentSource(Protocol):
    """Statistics by agent."""

    async def agents(self, where: Filter) -> list[AgentRow]:
        """Every agent that did something in the period, by name."""
        ...


@runtime_checkable
class BucketSource(Protocol):
    """What agents did over time, in even steps."""

    async def buckets(self, where: Filter, step_ns: int) -> list[BucketRow]:
        """A row for each agent, project and bucket with a call of a model or tool, by time; buckets begin at whole
        multiples of the step. Filtered as agents are."""
        ...


@runtime_checkable
class NameSource(Protocol):
    """What can be asked for."""

    async def names(self, field: str, limit: int) -> list[str]:
        """Values of a filter field that occur, in order of the alphabet.

        Fields: `agent`, `project`, `user`, `task_type`, `model`, `tool`, `service`, `environment`, `decision_type`."""
        ...

    async def extent(self) -> tuple[int, int] | None:
        """Times of the oldest and the newest record; None when there is none."""
        ...


@runtime_checkable
class HealthSource(Protocol):
    """How the pipeline itself is doing."""

    async def health(self) -> list[Check]:
        """One line per part that was looked at; a part that is down is a finding, not an error."""
        ...


@runtime_checkable
class AlertSource(Protocol):
    """Alerts and silences. The embedded store has none: ask `isinstance(backend, AlertSource)`."""

    async def alerts(self, labels: Mapping[str, str]) -> list[AlertRow]:
        """Alerts that have these labels, silenced and inhibited ones included, the last begun first."""
        ...

    async def silences(self) -> list[SilenceRow]:
        """Silences that are or will be in force, the first to end first."""
        ...

    async def trigger(
        self, labels: Mapping[str, str], annotations: Mapping[str, str], start_ns: int, end_ns: int
    ) -> None:
        """Raise an alert that lasts until `end_ns`; `labels` need an `alertname`. Raised again with an end that has
        passed, it is resolved. Raises `QueryError` for a label that is not allowed."""
        ...

    async def silence(self, labels: Mapping[str, str], start_ns: int, end_ns: int, author: str, comment: str) -> str:
        """Keep alerts with these labels quiet for a while; returns the silence's id.

        Raises `QueryError` when it is not taken, for example without a comment."""
        ...

    async def expire(self, silence_id: str) -> None:
        """End a silence; `NotFound` when there is none with this id."""
        ...


@runtime_checkable
class RawSource(Protocol):
    """Questions in the servers' own languages, within limits. The embedded store has none.

    All raise `QueryError` for a query that the server cannot read, and for a range beyond the limits.
    """

    async def query_metrics(
        self, promql: str, since_ns: int, until_ns: int, step_s: float | None, limit: int
    ) -> Rows[Series]:
        """Series of a PromQL expression over a range; at `until_ns` alone without a step."""
        ...

    async def query_logs(self, logql: str, since_ns: int, until_ns: int, limit: int) -> Rows[RawLine] | Rows[Series]:
        """Lines of a LogQL query, newest first, or series of a metric query."""
        ...

    async def query_traces(self, traceql: str, since_ns: int, until_ns: int, limit: int) -> Rows[Mapping[str, Any]]:
        """Traces of a TraceQL query as Tempo describes them, ids padded to 32 digits."""
        ...


@runtime_checkable
class Backend(
    TraceSource, RecordSource, LedgerSource, SessionSource, AgentSource, BucketSource, NameSource, HealthSource,
    Protocol,
):  # fmt: skip
    """Everything that answers need."""

    @property
    def name(self) -> str:
        """`embedded` or `stack`."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...
