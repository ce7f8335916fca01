"""Asks before something is changed that cannot be taken back, or that people are told of."""

from __future__ import annotations

import sys

import typer

from syndarix_obs_read.errors import FilterError


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
    typer.confirm(question, abort=True, err=True)
