"""Asks before something is changed that cannot be taken back, or that people are told of."""

from __future__ import annotations

import sys
from typing import Final

import typer

from syndarix_obs_read.errors import FilterError

_AGREED: Final = ("y", "yes")


def confirm(yes: bool, question: str) -> None:
    """Go on if the person agrees, or did with `--yes`.

    Raises:
        FilterError: standard input is no terminal, so nobody can answer.
        typer.Abort: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise FilterError(f"{question} Nobody is there to answer: add --yes")
    # Not typer's own, which writes the last character of a question to the output: that belongs to the answer alone.
    typer.echo(f"{question} [y/N]: ", nl=False, err=True)
    if sys.stdin.readline().strip().lower() not in _AGREED:
        raise typer.Abort
