"""Commands for what no other command covers: raw queries, and the names that can be asked for."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from syndarix_obs_read.answers import names as names_answer
from syndarix_obs_read.answers import queries as queries_answer
from syndarix_obs_read.cli import drawings_queries
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, Rows, When
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.timerange import SECOND_NS, parse_duration

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
            drawings_queries.draw_lines,
        )
    else:
        ask(
            common,
            lambda asker, backend: queries_answer.query_traces(
                backend, expression, asker.period(since), asker.limit(rows)
            ),
            drawings_queries.draw_found_traces,
        )


def _metrics(common: Common, since: When, rows: Rows, expression: str, step: str | None) -> None:
    seconds = None if step is None else parse_duration(step) / SECOND_NS
    ask(
        common,
        lambda asker, backend: queries_answer.query_metrics(
            backend, expression, asker.period(since), seconds, asker.limit(rows)
        ),
        drawings_queries.draw_series,
    )


def names(
    common: Common,
    rows: Rows,
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FIELD]...",
            help=f"Which: {', '.join(names_answer.NAME_FIELDS)}. Default: all but user, for users are many.",
        ),
    ] = None,
) -> None:
    """List what can be asked for: agents, projects, models, tools, … that occur, and the time that records cover."""
    wanted = tuple(_field(name) for name in fields or ())
    ask(
        common,
        lambda asker, backend: names_answer.list_names(backend, wanted, asker.limit(rows)),
        drawings_queries.draw_names,
    )


def _field(text: str) -> names_answer.NameField:
    found = text.replace("-", "_")
    for name in names_answer.NAME_FIELDS:
        if name == found:
            return name
    raise FilterError(f"there are no names of {text!r}; possible: {', '.join(names_answer.NAME_FIELDS)}")
