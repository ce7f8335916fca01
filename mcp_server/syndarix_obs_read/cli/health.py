"""`syndarix-obs health` and `doctor`: the commands and their drawing."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from syndarix_obs_read.answers.health import HealthReport, check_health
from syndarix_obs_read.cli.asking import ask, print_json, settings_of
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.cli.repairing import repair_store
from syndarix_obs_read.cli.screen import STATUS_STYLES, Screen, headers


def draw_health(screen: Screen, answer: HealthReport) -> None:
    """Parts of the pipeline, and how to mend what is not well."""
    columns = headers("part", "state", "finding*")
    rows = [((each.name, each.state, each.finding), STATUS_STYLES[each.state]) for each in answer.checks]
    screen.table(columns, rows)
    for each in answer.checks:
        if each.mend:
            screen.text(f"→ {each.name}: {each.mend}")


def health(common: Common) -> None:
    """Check the pipeline itself, and say how to mend what is broken; exits with 1 if something is failing."""
    answer = ask(common, lambda _asker, backend: check_health(backend), draw_health)
    raise typer.Exit(1 if answer.state == "failing" else 0)


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
        repair_store(common, settings)
        return
    report = asyncio.run(examine(settings))
    if common.as_json:
        print_json(report)
    else:
        draw_health(Screen(settings.zone), report)
    raise typer.Exit(1 if report.state == "failing" else 0)
