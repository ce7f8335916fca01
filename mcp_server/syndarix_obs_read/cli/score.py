"""`syndarix-obs score`: gives a score, an outcome or feedback to a session of any time."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.cli.quality import amount
from syndarix_obs_read.cli.screen import Screen
from syndarix_obs_read.scoring import Given, ScoreGiven, give


def score(
    common: Common,
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Whole id of the session.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What is judged: resolved, tone, …")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="A number, true, false, or a word.")],
    kind: Annotated[str, typer.Option("--type", help="outcome, score or feedback.")] = "score",
    source: Annotated[str, typer.Option(help="Who says so: human, user, code, judge.")] = "human",
    judge_version: Annotated[str | None, typer.Option(help="Version of the judge.")] = None,
    comment: Annotated[str | None, typer.Option(help="Why; redacted before it is kept.")] = None,
) -> None:
    """Give a session a score, an outcome or feedback, also long after it ended."""
    given = Given(
        session_id=session, name=name, value=value, type=kind, source=source, judge_version=judge_version,
        comment=comment,
    )  # fmt: skip

    ask(common, lambda asker, backend: give(asker.settings, backend, given), draw_given)


def draw_given(screen: Screen, answer: ScoreGiven) -> None:
    """What was kept."""
    screen.line(f"{answer.name} = {amount(answer.value, answer.label)} for session {answer.session_id}")
