"""`syndarix-obs loops`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read.answers import loops as loops_answer
from syndarix_obs_read.answers.loops import LoopList
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.errors import loop_rows
from syndarix_obs_read.cli.options import FILTERS, Common, Rows, When, Who
from syndarix_obs_read.cli.screen import Screen


def loops(
    common: Common,
    when: When,
    rows: Rows,
    who: Who,
    tool: Annotated[str | None, typer.Option(help="One tool.", rich_help_panel=FILTERS)] = None,
) -> None:
    """List agents that called the same tool with the same arguments again and again."""
    ask(
        common,
        lambda asker, backend: loops_answer.list_loops(
            backend, asker.filter(who, tool=tool), asker.period(when), asker.limit(rows)
        ),
        draw_loops,
    )


def draw_loops(screen: Screen, answer: LoopList) -> None:
    """Loops, one a row."""
    screen.heading("Loops", answer)
    loop_rows(screen, answer.loops)
