"""`syndarix-obs investigate`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import investigate as investigate_answer
from syndarix_obs_read.answers.episode import investigate_episode
from syndarix_obs_read.answers.investigate import Explanation, FigureChange, Investigation
from syndarix_obs_read.answers.observed import FIGURES
from syndarix_obs_read.answers.runaway import Runaway
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.cli.asking import Asker, ask
from syndarix_obs_read.cli.options import Common, When, Who
from syndarix_obs_read.cli.screen import Screen, headers
from syndarix_obs_read.timerange import parse_duration


def investigate(
    common: Common,
    when: When,
    who: Who,
    episode: Annotated[
        str | None, typer.Argument(metavar="EPISODE", help="An episode of `anomalies`: its agent and its time.")
    ] = None,
    figure: Annotated[str | None, typer.Option(help=f"One figure: {', '.join(FIGURES)}. Default: all.")] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Length of the time before to compare with. Default: 7 times as long, or a day.")
    ] = None,
) -> None:
    """Say what changed in a time, and which version, prompt, tool set, model, tool or region explains it."""
    if episode is not None:
        ask(common, lambda _asker, backend: investigate_episode(backend, episode, figure), draw_investigation)
        return
    length = None if baseline is None else parse_duration(baseline)

    async def question(asker: Asker, backend: Backend) -> Investigation:
        return await investigate_answer.investigate(backend, asker.filter(who), asker.period(when), figure, length)

    ask(common, question, draw_investigation)


def draw_investigation(screen: Screen, answer: Investigation) -> None:
    """What changed with its explanations, what did not, and what is new."""
    screen.heading("What changed", answer)
    for each in answer.figures:
        if each.changed:
            _draw_change(screen, each)
    for runaway in answer.runaways:
        _draw_runaway(screen, runaway)
    if quiet := [each.figure for each in answer.figures if each.compared and not each.changed]:
        screen.line(f"no change beyond chance: {', '.join(quiet)}", "dim")
    if few := [each.figure for each in answer.figures if not each.compared]:
        screen.line(f"too few sessions to compare, two on each side at least: {', '.join(few)}", "dim")
    if answer.new:
        screen.line()
        screen.line("Seen for the first time:", "bold")
        columns = headers("what", "value*", "first seen", ">share")
        screen.table(
            columns,
            (
                ((each.dimension, each.value, f.moment(each.first_seen, screen.zone), f.percent(each.share)), "")
                for each in answer.new
            ),
        )


def _draw_runaway(screen: Screen, each: Runaway) -> None:
    screen.line()
    screen.text(each.verdict, "yellow")
    if each.error:
        screen.line(f"  its most frequent error: {each.error}")
    screen.line(f"syndarix-obs session {each.session_id}", "dim")
    screen.line()


def _draw_change(screen: Screen, change: FigureChange) -> None:
    screen.line()
    screen.line(f"{change.figure}: {number(change.before)} → {number(change.after)}  ({change.about})", "bold")
    screen.text(change.verdict, "" if change.explanations else "yellow")
    columns = headers(">part", "what", "value*", ">share before", ">share now", ">mean before", ">mean now", "open")
    screen.table(columns, ((_row(screen, each), "") for each in change.explanations))
    for each in change.explanations[:1]:
        if each.sessions_before and each.sessions_after:
            screen.line(f"syndarix-obs compare {each.sessions_before[0]} {each.sessions_after[0]}", "dim")


def number(value: float | None) -> str:
    """A figure's mean."""
    return "–" if value is None else f"{value:.3g}"


def _row(screen: Screen, each: Explanation) -> list[str]:
    return [
        f.percent(each.part), each.dimension, each.value, f.percent(each.share_before), f.percent(each.share_after),
        number(each.mean_before), number(each.mean_after), screen.id(next(iter(each.sessions_after), None)),
    ]  # fmt: skip
