"""`syndarix-obs doctor`: checks every part of the chain and says how to mend what is broken."""

from __future__ import annotations

import asyncio

import typer

from syndarix_obs_read.cli import drawings_errors
from syndarix_obs_read.cli.asking import print_json, settings_of
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.cli.screen import Screen


def doctor(common: Common) -> None:
    """Check every part of the chain, and say how to mend what is broken; exits with 1 if something is failing."""
    from syndarix_obs_read.doctor.examine import examine

    settings = settings_of(common)
    report = asyncio.run(examine(settings))
    if common.as_json:
        print_json(report)
    else:
        drawings_errors.draw_health(Screen(settings.zone), report)
    raise typer.Exit(1 if report.state == "failing" else 0)
