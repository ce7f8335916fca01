"""`syndarix-obs blame`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read.answers import blame as blame_answer
from syndarix_obs_read.answers.blame import Blame
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.cli.screen import Screen


def blame(
    common: Common,
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Id of the session, or a unique beginning.")],
) -> None:
    """Say which steps and agents of a failed session are most likely at fault, with the evidence."""
    ask(common, lambda _asker, backend: blame_answer.blame(backend, session), draw_blame)


def draw_blame(screen: Screen, answer: Blame) -> None:
    """Suspects with their evidence, the likeliest first."""
    screen.line(f"Session {answer.session_id}, {answer.steps:,} steps", "bold")
    for place, each in enumerate(answer.suspects, start=1):
        screen.line()
        screen.line(f"{place}. {each.agent} · {each.step}", "bold")
        screen.line(f"   {each.said}", "dim")
        for reason in each.evidence:
            screen.line(f"   – {reason}")
        if each.trace_id:
            screen.line(f"   syndarix-obs trace {each.trace_id} --payloads", "dim")
