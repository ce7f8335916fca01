"""`syndarix-obs anomalies`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import anomalies as anomalies_answer
from syndarix_obs_read.answers.anomalies import Anomaly, AnomalyList
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import FILTERS, Common, Rows, When
from syndarix_obs_read.cli.screen import Screen, headers


def anomalies(
    common: Common,
    when: When,
    rows: Rows,
    agent: Annotated[str | None, typer.Option(help="One agent.", rich_help_panel=FILTERS)] = None,
    project: Annotated[str | None, typer.Option(help="One project.", rich_help_panel=FILTERS)] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only what still lasts.")] = False,
) -> None:
    """List episodes in which a series of an agent was unusual, as `syndarix-obs watch` found them. Default time: 7d."""
    ask(
        common,
        lambda asker, backend: anomalies_answer.list_anomalies(
            backend, asker.filter(agent=agent, project=project), asker.period(When(when.since or "7d", when.until)),
            asker.limit(rows), only_open=only_open,
        ),
        draw_anomalies,
    )  # fmt: skip


def draw_anomalies(screen: Screen, answer: AnomalyList) -> None:
    """Episodes, one a row."""
    screen.heading("Anomalies", answer)
    heads = headers("episode", "opened", "agent*", "series*", ">observed", ">expected", ">score", "why", "closed")
    screen.table(heads, ((_row(screen, each), "yellow" if each.open else "") for each in answer.anomalies))


def _row(screen: Screen, each: Anomaly) -> list[str]:
    closed = f.moment(each.closed, screen.zone) if each.closed else "open"
    return [
        screen.id(each.episode), f.moment(each.opened, screen.zone), each.agent or f.NOTHING, each.series,
        number(each.observed), number(each.expected), f"{each.score:.1f}", each.opinion, closed,
    ]  # fmt: skip


def number(value: float | None) -> str:
    """A value of a series in three digits."""
    return f.NOTHING if value is None else f"{value:.3g}"
