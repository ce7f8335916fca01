"""Commands that fill, check and clean the store: demo, health, forget, prune."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer

from syndarix_obs_read.answers.health import check_health
from syndarix_obs_read.cli import drawings_errors
from syndarix_obs_read.cli.asking import ask, settings_of
from syndarix_obs_read.cli.confirming import confirm
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.errors import BackendUnavailable, FilterError, ReadError
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import parse_range


def demo(
    common: Common,
    sessions: Annotated[int, typer.Option(min=1, max=100_000, help="How many sessions.")] = 20,
    seed: Annotated[int, typer.Option(help="The same seed makes the same sessions.")] = 7,
) -> None:
    """Run a support desk of cooperating agents against a fake provider, and show what was recorded."""
    from syndarix_obs_demo import DemoPackagesMissing, run
    from syndarix_obs_demo.tour import called, show

    settings = settings_of(common)
    with _progress(f"{sessions} sessions of the support desk") as advance:
        try:
            report = run(settings.home, sessions, seed, advance)
        except DemoPackagesMissing as error:
            raise ReadError(str(error)) from error
    if common.as_json:
        print(json.dumps(asdict(report), indent=2, default=str))
        return
    code = show(report, _answer(settings), lambda line: print(line, flush=True), called(common.home))
    raise typer.Exit(code)


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


def health(common: Common) -> None:
    """Check the pipeline itself, and say how to mend what is broken; exits with 1 if something is failing."""
    answer = ask(common, lambda _asker, backend: check_health(backend), drawings_errors.draw_health)
    raise typer.Exit(1 if answer.state == "failing" else 0)


def forget(
    common: Common,
    user: Annotated[str, typer.Option(help="The user: the raw id or the pseudonym that answers show.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Erase what was recorded for one user; sums of cost stay, without the user."""
    from syndarix_obs.store.retention import forget_user
    from syndarix_obs_read.users import identity, pseudonym_of

    settings = _embedded(common, "forget")
    pseudonym = pseudonym_of(settings, user)
    confirm(yes, f"Erase everything recorded for {user} ({pseudonym}) in {settings.store_path}?")
    removed = _write(settings, lambda connection: forget_user(connection, pseudonym))
    if pseudonym != user:
        identity(settings).forget(user)
    _report(common, {"user": pseudonym, **asdict(removed)}, "erased")


def prune(
    common: Common,
    before: Annotated[str, typer.Option(help="Older than this goes: 30d, 2026-03-01, …")],
    ledger: Annotated[bool, typer.Option("--ledger", help="Also the cost ledger, which is kept otherwise.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete what is older than a time."""
    from syndarix_obs.store.retention import prune as prune_store

    settings = _embedded(common, "prune")
    before_ns = parse_range(before, "now", zone=settings.zone, now_ns=time.time_ns()).since_ns
    confirm(yes, f"Delete everything older than {before} from {settings.store_path}?")
    limit = before_ns if ledger else None
    removed = _write(settings, lambda connection: prune_store(connection, before_ns, ledger_before_ns=limit))
    _report(common, {"before": before, **asdict(removed)}, "deleted")


def _embedded(common: Common, command: str) -> ReadSettings:
    settings = settings_of(common)
    if settings.backend != "embedded":
        raise FilterError(f"`{command}` works on the SQLite file; the stack's servers delete by RETENTION_DAYS")
    if not settings.store_path.exists():
        raise BackendUnavailable(f"no store at {settings.store_path}: --home or SYNDARIX_OBS_HOME says where it is")
    return settings


def _write(settings: ReadSettings, action: Callable[[Any], Any]) -> Any:
    from syndarix_obs.store.database import open_for_write

    connection = open_for_write(settings.store_path)
    try:
        return action(connection)
    finally:
        connection.close()


def _report(common: Common, removed: dict[str, Any], verb: str) -> None:
    if common.as_json:
        print(json.dumps(removed, indent=2))
        return
    counts = ", ".join(f"{removed[name]:,} {name}" for name in ("records", "sessions", "ledger"))
    print(f"{verb} or made anonymous: {counts}" if verb == "erased" else f"{verb}: {counts}")
