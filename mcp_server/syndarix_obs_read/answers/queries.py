"""Questions in the servers' own languages, for what no other answer covers: PromQL, LogQL, TraceQL."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import Field

from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import ListAnswer, Moment, Period, listing
from syndarix_obs_read.backends.protocols import Backend, RawSource
from syndarix_obs_read.backends.rows import RawLine, Rows, Series
from syndarix_obs_read.errors import NeedsStack, QueryError
from syndarix_obs_read.next_steps import Ask
from syndarix_obs_read.timerange import TimeRange, to_datetime

LONGEST_QUERY: Final = 8_192
"""Characters of a query."""
MOST_ROWS: Final = 1_000
"""Series, lines or traces of one answer."""


class Point(Frozen):
    """One value at one moment."""

    time: Moment
    value: float | None = Field(description="Null for NaN and infinities, which JSON cannot say.")


class MetricSeries(Frozen):
    """One series."""

    labels: Mapping[str, str]
    points: tuple[Point, ...]


class QueriedLine(Frozen):
    """One log line with its labels and structured metadata."""

    time: Moment
    labels: Mapping[str, str]
    text: str


class MetricAnswer(ListAnswer):
    """Series of a PromQL expression."""

    query: str
    series: tuple[MetricSeries, ...]


class LogAnswer(ListAnswer):
    """Lines of a LogQL query, the last first; or series, when it computes numbers."""

    query: str
    lines: tuple[QueriedLine, ...]
    series: tuple[MetricSeries, ...]


class TraceQueryAnswer(ListAnswer):
    """Traces of a TraceQL query as Tempo describes them."""

    query: str
    traces: tuple[Mapping[str, Any], ...]


async def query_metrics(
    backend: Backend, promql: str, period: TimeRange, step_s: float | None, limit: int
) -> MetricAnswer:
    """Series of a PromQL expression over the period, or at its end without a step.

    Raises:
        NeedsStack: the backend has no Prometheus.
        QueryError: the query cannot be read, or is beyond the limits.
    """
    source = _source(backend, "Prometheus", "agents")
    page = await source.query_metrics(_bounded(promql), period.since_ns, period.until_ns, step_s, _rows(limit))
    about = _about(backend, promql, period, page, "an aggregation such as `sum by (agent) (…)`")
    return MetricAnswer(series=_series(page.rows), **about)


async def query_logs(backend: Backend, logql: str, period: TimeRange, limit: int) -> LogAnswer:
    """Lines or series of a LogQL query over the period; raises like `query_metrics`."""
    source = _source(backend, "Loki", "logs")
    page = await source.query_logs(_bounded(logql), period.since_ns, period.until_ns, _rows(limit))
    rows: Iterable[RawLine | Series] = page.rows
    found = list(rows)
    return LogAnswer(
        lines=tuple(
            QueriedLine(time=to_datetime(row.ts_ns), labels=row.labels, text=row.text)
            for row in found
            if isinstance(row, RawLine)
        ),
        series=_series(row for row in found if isinstance(row, Series)),
        **_about(backend, logql, period, page, 'a label, a line filter (|= "text") or a shorter time'),
    )


async def query_traces(backend: Backend, traceql: str, period: TimeRange, limit: int) -> TraceQueryAnswer:
    """Traces of a TraceQL query over the period; raises like `query_metrics`."""
    source = _source(backend, "Tempo", "traces")
    page = await source.query_traces(_bounded(traceql), period.since_ns, period.until_ns, _rows(limit))
    return TraceQueryAnswer(
        traces=page.rows, **_about(backend, traceql, period, page, "a further condition or a shorter time")
    )


def _source(backend: Backend, server: str, instead: str) -> RawSource:
    if isinstance(backend, RawSource):
        return backend
    raise NeedsStack(
        f"this needs the stack: the backend `{backend.name}` has no {server}. Start the stack (`docker compose up` or "
        f"`make native-up`) and set SYNDARIX_OBS_BACKEND=stack",
        next=(Ask(instead), " answers without it"),
    )


def _bounded(query: str) -> str:
    if len(query) > LONGEST_QUERY:
        raise QueryError(f"a query may have {LONGEST_QUERY:,} characters at most, this one has {len(query):,}")
    if not query.strip():
        raise QueryError("the query is empty")
    return query


def _rows(limit: int) -> int:
    return max(1, min(limit, MOST_ROWS))


def _about(backend: Backend, query: str, period: TimeRange, page: Rows[Any], narrow: str) -> dict[str, Any]:
    about = listing(page, narrow)
    if not page.rows:
        about["hints"] = ("nothing fits; list_names says which names occur, and a longer time may help",)
    return {"backend": backend.name, "query": query, "period": Period.of(period), **about}


def _series(rows: Iterable[Series]) -> tuple[MetricSeries, ...]:
    return tuple(
        MetricSeries(
            labels=row.labels,
            points=tuple(
                Point(time=to_datetime(at), value=value if math.isfinite(value) else None) for at, value in row.points
            ),
        )
        for row in rows
    )
