"""`syndarix-obs query`: the command and its drawings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import queries as queries_answer
from syndarix_obs_read.answers.queries import LogAnswer, MetricAnswer, MetricSeries, TraceQueryAnswer
from syndarix_obs_read.cli.alerts import labels_words
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, Rows, When
from syndarix_obs_read.cli.screen import Screen, headers
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.timerange import SECOND_NS, parse_duration, to_datetime


def draw_series(screen: Screen, answer: MetricAnswer) -> None:
    """Points, one a row."""
    screen.heading("Series", answer)
    _draw_points(screen, answer.series)


def draw_lines(screen: Screen, answer: LogAnswer) -> None:
    """Log lines as they are stored, or points when the query computes numbers."""
    screen.heading("Lines" if answer.lines else "Series", answer)
    rows = (((f.moment(each.time, screen.zone, precise=True), each.text), "") for each in answer.lines)
    screen.table(headers("time", "line*"), rows)
    _draw_points(screen, answer.series)


def _draw_points(screen: Screen, series: Sequence[MetricSeries]) -> None:
    rows = (
        ((f.moment(point.time, screen.zone), _number(point.value), labels_words(each.labels) or f.NOTHING), "")
        for each in series
        for point in each.points
    )
    screen.table(headers("time", ">value", "labels*"), rows)


def draw_found_traces(screen: Screen, answer: TraceQueryAnswer) -> None:
    """Traces as Tempo describes them."""
    screen.heading("Traces", answer)
    rows = ((_trace(screen, each), "") for each in answer.traces)
    screen.table(headers("trace", "started", ">time", "service", "root*"), rows)


def _trace(screen: Screen, found: Mapping[str, Any]) -> tuple[str, ...]:
    started = found.get("startTimeUnixNano")
    return (
        screen.id(found.get("traceID")),
        f.moment(to_datetime(int(started)) if started else None, screen.zone),
        # Tempo leaves a duration of less than a millisecond away.
        f.duration(float(found.get("durationMs", 0))),
        str(found.get("rootServiceName") or f.NOTHING),
        str(found.get("rootTraceName") or f.NOTHING),
    )


def _number(value: float | None) -> str:
    return f.NOTHING if value is None else f"{value:.10g}"


_SINCE = "1h"
"""Raw queries can be dear, so they look back less far than others."""


def query(
    common: Common,
    when: When,
    rows: Rows,
    language: Annotated[Literal["promql", "logql", "traceql"], typer.Argument(help="Prometheus, Loki or Tempo.")],
    expression: Annotated[str, typer.Argument(metavar="EXPR", help="The query, in quotes.")],
    step: Annotated[
        str | None, typer.Option(help="PromQL: distance of points, such as 1m; without it one value, at the end.")
    ] = None,
) -> None:
    """Ask Prometheus, Loki or Tempo in its own language. Default time: 1h. Needs the stack."""
    if step is not None and language != "promql":
        raise FilterError(f"--step belongs to promql, not to {language}; `[5m]` in the query sets LogQL's range")
    since = When(when.since or _SINCE, when.until)
    if language == "promql":
        _metrics(common, since, rows, expression, step)
    elif language == "logql":
        ask(
            common,
            lambda asker, backend: queries_answer.query_logs(
                backend, expression, asker.period(since), asker.limit(rows)
            ),
            draw_lines,
        )
    else:
        ask(
            common,
            lambda asker, backend: queries_answer.query_traces(
                backend, expression, asker.period(since), asker.limit(rows)
            ),
            draw_found_traces,
        )


def _metrics(common: Common, since: When, rows: Rows, expression: str, step: str | None) -> None:
    seconds = None if step is None else parse_duration(step) / SECOND_NS
    ask(
        common,
        lambda asker, backend: queries_answer.query_metrics(
            backend, expression, asker.period(since), seconds, asker.limit(rows)
        ),
        draw_series,
    )
