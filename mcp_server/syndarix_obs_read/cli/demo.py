"""`syndarix-obs demo`: fills the store with a support desk and shows what was recorded."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syndarix_obs_read.cli.asking import settings_of
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.errors import FilterError, ReadError
from syndarix_obs_read.settings import ReadSettings

if TYPE_CHECKING:
    from syndarix_obs_demo import DemoReport, Scenario
    from syndarix_obs_demo.alarm import Alarm


def demo(
    common: Common,
    sessions: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="How many sessions. Default: 20; of a regression 240.")
    ] = None,
    scenario: Annotated[
        str, typer.Option(help="ordinary; regression: three hours ago a worse prompt was deployed (a minute).")
    ] = "ordinary",
    seed: Annotated[int, typer.Option(help="The same seed makes the same sessions.")] = 7,
    everything: Annotated[bool, typer.Option("--all", help="Show every answer in full, not the story.")] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Then serve the explorer and open it.")] = False,
) -> None:
    """Run a support desk of agents against a fake provider, and explain the session that failed."""
    from syndarix_obs_demo import DemoPackagesMissing, Scenario, run
    from syndarix_obs_demo.scenario import USUAL_SESSIONS
    from syndarix_obs_demo.tour import elsewhere

    settings = settings_of(common)
    if wrong := elsewhere(os.environ.get("SYNDARIX_OBS_BACKEND", ""), os.environ):
        raise ReadError(wrong)
    if scenario not in tuple(Scenario):
        raise FilterError(f"there is no scenario {scenario!r}; possible: {', '.join(Scenario)}")
    story = Scenario(scenario)
    sessions = sessions or USUAL_SESSIONS[story]
    with _progress(f"{sessions} sessions of the support desk") as advance:
        try:
            report = run(settings.home, sessions, seed, advance, story)
        except DemoPackagesMissing as error:
            raise ReadError(str(error)) from error
    if common.as_json:
        print(json.dumps(asdict(report), indent=2, default=str))
        return
    code = _tour(report, settings, common.home, story) if everything or story is Scenario.REGRESSION else 0
    if not everything and story is Scenario.ORDINARY:
        _story(report, settings, common.home)
    if open_browser and not code:
        code = _answer(settings)(["web", "--open"])
    raise typer.Exit(code)


def _story(report: DemoReport, settings: ReadSettings, home: Path | None) -> None:
    """The failed session on one screen."""
    from syndarix_obs_demo.findings import find
    from syndarix_obs_demo.story import tell, terminal_of
    from syndarix_obs_demo.tour import needed

    terminal = terminal_of(home, needed(settings.backend, os.environ))
    with _progress("Asking about the session that failed"):
        found, alarm = find(settings, report), _alarm(report.store)
    tell(report, found, alarm, terminal, lambda line: print(line, flush=True))


def _tour(report: DemoReport, settings: ReadSettings, home: Path | None, story: Scenario) -> int:
    """Every answer in full."""
    from syndarix_obs_demo.scenario import Scenario
    from syndarix_obs_demo.tour import called, needed, show

    prefix = called(home, needed(settings.backend, os.environ))
    alarm = _alarm(report.store) if story is Scenario.REGRESSION else None
    return show(report, _answer(settings), lambda line: print(line, flush=True), prefix, story, alarm)


def _alarm(store: Path | None) -> Alarm | None:
    """What the watch finds in an embedded store; with the stack, its own watch raises the alert in Alertmanager."""
    if store is None:
        return None
    from syndarix_obs_demo.alarm import look

    return look(store.parent)


def _answer(settings: ReadSettings) -> Callable[[list[str]], int]:
    from syndarix_obs_read.cli.run import run

    return lambda arguments: run([*arguments, "--home", str(settings.home), "--backend", settings.backend])


@contextlib.contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, if that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task(title, total=None)
        yield lambda done, of: progress.update(bar, completed=done, total=of)
