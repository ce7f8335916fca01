"""`syndarix-obs names`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import names as names_answer
from syndarix_obs_read.answers.names import NameList
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, Rows
from syndarix_obs_read.cli.screen import Screen, headers
from syndarix_obs_read.errors import FilterError


def draw_names(screen: Screen, answer: NameList) -> None:
    """A field and a value a row, then the time that records cover."""
    screen.heading("Names", answer)
    rows = (((field, value), "") for field, values in answer.names.items() for value in values)
    screen.table(headers("field", "value*"), rows)
    if answer.first is not None and not screen.piped:
        covered = " to ".join(f.moment(each, screen.zone) for each in (answer.first, answer.last))
        screen.line(f"records from {covered} {screen.zone}", "dim")


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
        draw_names,
    )


def _field(text: str) -> names_answer.NameField:
    found = text.replace("-", "_")
    for name in names_answer.NAME_FIELDS:
        if name == found:
            return name
    raise FilterError(f"there are no names of {text!r}; possible: {', '.join(names_answer.NAME_FIELDS)}")
