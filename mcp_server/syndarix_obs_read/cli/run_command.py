"""`syndarix-obs run`: starts a program that records itself, without a line of code."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from syndarix_obs_read.errors import FilterError


def run(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND…", help="The program and its arguments.")],
    home: Annotated[Path | None, typer.Option(help="Folder of the SQLite file.")] = None,
    backend: Annotated[str | None, typer.Option(help="embedded, stack, both or none.")] = None,
) -> None:
    """Run a program and record its model calls: python app.py, python -m module, uvicorn, gunicorn, celery, any script.

    The program takes this process's place: its exit code, its signals and its output are its own.
    """
    from syndarix_obs.launcher import prepared

    given = {"SYNDARIX_OBS_HOME": home and str(home.absolute()), "SYNDARIX_OBS_BACKEND": backend}
    environment = {**os.environ, **{name: value for name, value in given.items() if value}}
    found, environment = prepared(command, environment)
    program = shutil.which(found[0], path=environment.get("PATH"))
    if program is None:
        raise FilterError(f"there is no program {found[0]!r} on the PATH; a file: syndarix-obs run python {found[0]}")
    os.execve(program, found, environment)  # noqa: S606 - running what the caller names is its job
