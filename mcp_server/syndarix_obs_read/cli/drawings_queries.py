"""Answers of raw queries, and names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.names import NameList
from syndarix_obs_read.answers.queries import LogAnswer, MetricAnswer, MetricSeries, TraceQueryAnswer
from syndarix_obs_read.cli.drawings_alerts import labels_words
from syndarix_obs_read.cli.screen import Screen, headers
from syndarix_obs_read.timerange import to_datetime


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


def draw_names(screen: Screen, answer: NameList) -> None:
    """A field and a value a row, then the time that records cover."""
    screen.heading("Names", answer)
    rows = (((field, value), "") for field, values in answer.names.items() for value in values)
    screen.table(headers("field", "value*"), rows)
    if answer.first is not None and not screen.piped:
        covered = " to ".join(f.moment(each, screen.zone) for each in (answer.first, answer.last))
        screen.line(f"records from {covered} {screen.zone}", "dim")


def _number(value: float | None) -> str:
    return f.NOTHING if value is None else f"{value:.10g}"
