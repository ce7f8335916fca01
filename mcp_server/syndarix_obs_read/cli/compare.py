"""`syndarix-obs compare`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import compare as compare_answer
from syndarix_obs_read.answers.compare import Comparison, Line
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.cli.screen import Screen, headers

_MARKS = {"same": ("  ", "dim"), "gone": ("- ", "red"), "new": ("+ ", "green")}


def compare(
    common: Common,
    before: Annotated[str, typer.Argument(metavar="SESSION", help="The first session, or a unique beginning.")],
    after: Annotated[str, typer.Argument(metavar="SESSION", help="The second one.")],
) -> None:
    """Show two sessions side by side: configuration, prompts, steps, cost and answer."""
    ask(common, lambda _asker, backend: compare_answer.compare(backend, before, after), draw_comparison)


def draw_comparison(screen: Screen, answer: Comparison) -> None:
    """Facts side by side, then the differences line by line."""
    one, other = answer.before, answer.after
    names = sorted(one.configuration.keys() | other.configuration.keys())
    rows = [
        ("session", one.session_id, other.session_id),
        ("ended", one.outcome or one.status, other.outcome or other.status),
        ("duration", f.duration(one.duration_ms), f.duration(other.duration_ms)),
        ("tokens", f.count(one.tokens.total), f.count(other.tokens.total)),
        ("cost", f.cost(one.cost), f.cost(other.cost)),
        *((n, ", ".join(one.configuration.get(n, ())), ", ".join(other.configuration.get(n, ()))) for n in names),
    ]
    screen.table(
        headers("", "first*", "second*"), ((row, "bold" if row[0] in answer.differs else "") for row in rows)
    )
    _draw_lines(screen, "Prompts", answer.prompt)
    _draw_lines(screen, "Steps", answer.steps)


def _draw_lines(screen: Screen, title: str, lines: tuple[Line, ...]) -> None:
    if not any(line.change != "same" for line in lines):
        return
    screen.line()
    screen.line(title, "bold")
    for line in lines:
        mark, style = _MARKS[line.change]
        screen.line(mark + line.text, style)
