"""Queries of a panel in the form that current Grafana writes. grafanalib's release knows neither Loki nor Tempo."""

from __future__ import annotations

import attr
from grafanalib.core import Target

from boards.selectors import SPARSE
from boards.theme import EXPRESSION, LOKI, PROMETHEUS, TEMPO, Json


@attr.s(auto_attribs=True, kw_only=True)
class Query(Target):  # type: ignore[misc]  # grafanalib ships no types
    """What all targets share. `ref` is the letter that expressions, transformations and overrides use."""

    expr: str
    ref: str = "A"
    legend: str = ""
    hide: bool = False

    def common(self, datasource: Json) -> Json:
        """Keys that every query has."""
        found: Json = {"refId": self.ref, "datasource": datasource}
        return {**found, "hide": True} if self.hide else found


@attr.s(auto_attribs=True, kw_only=True)
class Prom(Query):
    """PromQL over the range of the board, one line per series."""

    buckets: bool = False

    def to_json_data(self) -> Json:
        found = {
            **self.common(PROMETHEUS), "editorMode": "code", "expr": self.expr, "range": True, "instant": False,
            "format": "heatmap" if self.buckets else "time_series", "legendFormat": self.legend or "__auto",
        }  # fmt: skip
        least = _least_step(self.expr)
        return {**found, "interval": least} if least else found


def _least_step(expr: str) -> str | None:
    """The least step of a target: four of it are the least `$__rate_interval`, in which a recorded sample must lie."""
    if "$__rate_interval" not in expr:
        return None
    found = {name[-2:] for name in SPARSE.findall(expr)}
    return "90s" if "5m" in found else "45s" if found else None


@attr.s(auto_attribs=True, kw_only=True)
class PromNow(Query):
    """PromQL at the end of the range: a number per series, or the rows of a table."""

    table: bool = False
    exemplars: bool = False

    def to_json_data(self) -> Json:
        return {
            **self.common(PROMETHEUS), "editorMode": "code", "expr": self.expr, "range": False, "instant": True,
            "format": "table" if self.table else "time_series", "legendFormat": self.legend or "__auto",
            **({"exemplar": True} if self.exemplars else {}),
        }  # fmt: skip


def exemplars(histogram: str, matchers: str, ref: str) -> PromNow:
    """The dots that lead from a graph to traces, without a line of their own.

    Recorded series carry no exemplars, so the histogram itself is named; that no bucket is below 0 keeps the query
    for numbers empty, and asking for the end of the range only keeps it cheap.
    """
    return PromNow(expr=f"{histogram}_bucket{{{matchers}}} < 0", ref=ref, exemplars=True)


@attr.s(auto_attribs=True, kw_only=True)
class Loki(Query):
    """LogQL over the range: a metric query gives lines of a graph, a log query gives log lines."""

    lines: int = 0

    def to_json_data(self) -> Json:
        found = {**self.common(LOKI), "editorMode": "code", "expr": self.expr, "queryType": "range"}
        if self.lines:
            return {**found, "maxLines": self.lines}
        # No `step`: Grafana does not fill variables into it, and refuses the query.
        return {**found, "legendFormat": self.legend}


@attr.s(auto_attribs=True, kw_only=True)
class LokiNow(Query):
    """A LogQL metric query at the end of the range: a number per series, or the rows of a table."""

    def to_json_data(self) -> Json:
        return {
            **self.common(LOKI), "editorMode": "code", "expr": self.expr, "queryType": "instant",
            "legendFormat": self.legend,
        }  # fmt: skip


@attr.s(auto_attribs=True, kw_only=True)
class Traces(Query):
    """TraceQL: the newest traces that match, one row each."""

    limit: int = 20

    def to_json_data(self) -> Json:
        return {
            **self.common(TEMPO), "queryType": "traceql", "query": self.expr, "limit": self.limit,
            "tableType": "traces", "filters": [],
        }  # fmt: skip


@attr.s(auto_attribs=True, kw_only=True)
class Calculated(Query):
    """A sum over other queries of the panel, done by Grafana's server: `$A / $B`."""

    def to_json_data(self) -> Json:
        return {**self.common(EXPRESSION), "type": "math", "expression": self.expr}
