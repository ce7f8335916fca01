"""`syndarix-obs doctor`: checks every part of the chain and says how to mend what is broken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syndarix_obs.errors import StoreError
from syndarix_obs_read.cli import drawings_errors
from syndarix_obs_read.cli.asking import print_json, settings_of
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.cli.screen import Screen
from syndarix_obs_read.errors import BackendUnavailable, FilterError
from syndarix_obs_read.settings import ReadSettings

if TYPE_CHECKING:
    from syndarix_obs.store.repair import Repaired


def doctor(
    common: Common,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Check the SQLite file in full and mend it instead: indexes are rebuilt; where that is no help, what "
            "can be read is copied into a new file and the old one is kept.",
        ),
    ] = False,
) -> None:
    """Check every part of the chain, and say how to mend what is broken; exits with 1 if something is failing."""
    from syndarix_obs_read.doctor.examine import examine

    settings = settings_of(common)
    if repair:
        _repair(common, settings)
        return
    report = asyncio.run(examine(settings))
    if common.as_json:
        print_json(report)
    else:
        drawings_errors.draw_health(Screen(settings.zone), report)
    raise typer.Exit(1 if report.state == "failing" else 0)


def _repair(common: Common, settings: ReadSettings) -> None:
    from syndarix_obs.store.repair import repair

    if settings.backend != "embedded":
        raise FilterError("`doctor --repair` works on the SQLite file; the stack's servers mend themselves")
    try:
        done = repair(settings.store_path)
    except StoreError as error:
        raise BackendUnavailable(str(error)) from error
    if common.as_json:
        print(json.dumps(asdict(done), indent=2, default=str))
        return
    for line in repair_lines(settings.store_path, done):
        print(line)


def repair_lines(path: Path, done: Repaired) -> Iterator[str]:
    """What was found, what was done, and what was lost."""
    if done.how == "whole":
        yield f"{path}: every page and index is whole, nothing to repair"
        return
    yield f"{path} was damaged:"
    yield from (f"  {fault}" for fault in done.faults)
    if done.how == "indexes":
        yield "The indexes were rebuilt. Nothing was lost."
        return
    yield "What can be read was copied into a new file:"
    for table, kept in done.kept.items():
        lost = done.lost[table]
        yield f"  {table}: {kept:,} kept, {'an unknown number' if lost is None else f'{lost:,}'} lost"
    yield f"The damaged file is kept: {done.old_file}"
    yield "Sums by the hour and the text index are made anew by the next agent that is idle."
