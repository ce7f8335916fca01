"""Questions in the servers' own languages, within limits on range, rows and bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from syndarix_obs_read.backends.rows import RawLine, Rows, Series
from syndarix_obs_read.backends.stack.clients.loki import DAY_NS, PAGE, Loki
from syndarix_obs_read.backends.stack.clients.prometheus import Prometheus
from syndarix_obs_read.backends.stack.clients.tempo import Tempo
from syndarix_obs_read.errors import QueryError, Refused
from syndarix_obs_read.next_steps import Argument
from syndarix_obs_read.timerange import SECOND_NS

LONGEST_DAYS: Final = 31
"""Longest range of a raw query."""
MOST_POINTS: Final = 11_000
"""Points of one series: Prometheus' own limit."""
_MOST_TRACES: Final = 1_000


async def metrics(
    prometheus: Prometheus, promql: str, since_ns: int, until_ns: int, step_s: float | None, limit: int
) -> Rows[Series]:
    """Series of a PromQL expression."""
    seconds = _length(since_ns, until_ns) / SECOND_NS
    if step_s is not None and (step_s <= 0 or seconds / step_s > MOST_POINTS):
        raise QueryError(
            f"a step of {step_s:g} s makes more than {MOST_POINTS:,} points of {seconds:,.0f} s: take a step of "
            f"{max(1, round(seconds / 250))} s, or a shorter range"
        )
    async with _readable("PromQL", promql):
        if step_s is None:
            found = await prometheus.instant(promql, until_ns)
        else:
            found = await prometheus.range(promql, since_ns, until_ns, step_s)
    return _page(found, limit)


async def logs(loki: Loki, logql: str, since_ns: int, until_ns: int, limit: int) -> Rows[RawLine] | Rows[Series]:
    """Lines of a LogQL query, newest first, or series of a metric query."""
    length = _length(since_ns, until_ns)
    step_s = max(1.0, length / SECOND_NS / 250)
    async with _readable("LogQL", logql):
        data = await loki.range(logql, since_ns, until_ns, min(limit + 1, PAGE), step_s=step_s)
    if data.get("resultType") == "streams":
        lines = [
            RawLine(int(value[0]), stream["stream"], value[1])
            for stream in data["result"]
            for value in stream["values"]
        ]
        return _page(sorted(lines, key=lambda line: -line.ts_ns), limit)
    return _page([Series(each["metric"], _points(each)) for each in data.get("result") or ()], limit)


async def traces(tempo: Tempo, traceql: str, since_ns: int, until_ns: int, limit: int) -> Rows[Mapping[str, Any]]:
    """Traces of a TraceQL query as Tempo describes them."""
    _length(since_ns, until_ns)
    async with _readable("TraceQL", traceql):
        found = await tempo.raw(traceql, since_ns, until_ns, min(limit, _MOST_TRACES) + 1)
    return _page([{**each, "traceID": str(each.get("traceID", "")).rjust(32, "0")} for each in found], limit)


def _length(since_ns: int, until_ns: int) -> int:
    if until_ns - since_ns > LONGEST_DAYS * DAY_NS:
        later = ("give a later ", Argument("since"))
        raise QueryError(f"a raw query may look at {LONGEST_DAYS} days at most", next=later)
    return until_ns - since_ns


@asynccontextmanager
async def _readable(language: str, query: str) -> AsyncIterator[None]:
    try:
        yield
    except Refused as error:
        if error.status in (400, 422):
            raise QueryError(f"this {language} cannot be answered: {error.said} (asked: {query[:200]})") from error
        raise


def _page(found: list[Any], limit: int) -> Rows[Any]:
    more = len(found) > limit
    return Rows(tuple(found[:limit]), more, None if more else len(found))


def _points(each: Mapping[str, Any]) -> tuple[tuple[int, float], ...]:
    pairs = each["values"] if "values" in each else [each["value"]]
    return tuple((round(float(at) * SECOND_NS), float(value)) for at, value in pairs)
