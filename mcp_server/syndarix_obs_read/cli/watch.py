"""`syndarix-obs watch`: the command and what it prints."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syndarix_obs_read.cli.asking import settings_of
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.timerange import to_datetime

if TYPE_CHECKING:
    from syndarix_obs_read.watching.look import Event
    from syndarix_obs_read.watching.watch import Looked


def watch(
    common: Common,
    once: Annotated[bool, typer.Option("--once", help="Look once and end: for cron.")] = False,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Send a test message to everybody who would hear of an episode, and end.")
    ] = False,
) -> None:
    """Look every five minutes for what is unusual, keep it as episodes, raise alerts. Ends with Ctrl-C."""
    try:
        from syndarix_obs_read.watching.run import rehearse as rehearsal
        from syndarix_obs_read.watching.run import run
    except ImportError as error:
        raise ReadError(f"this needs more packages ({error.name}): pip install 'syndarix-obs[server]'") from error

    if rehearse:
        raise typer.Exit(_rehearsed(asyncio.run(rehearsal(settings_of(common)))))

    def report(looked: Looked) -> None:
        _print_json(looked) if common.as_json else _print(looked, always=once)

    def failed(error: ReadError) -> None:
        print(f"this look failed, the next one tries again: {error}", file=sys.stderr, flush=True)

    asyncio.run(run(settings_of(common), report, None if once else failed))


def _rehearsed(found: list[tuple[str, str | None]]) -> int:
    """Say what came of a test; the exit code."""
    if not found:
        raise ReadError("nobody would hear of an episode: set SYNDARIX_OBS_READ_ALERT_ROUTES_FILE to an Alertmanager "
                        "configuration, or SYNDARIX_OBS_READ_ALERT_WEBHOOK_FILE; with the stack try "
                        "`syndarix-obs trigger`")  # fmt: skip
    for name, trouble in found:
        print(f"{name}: {'took it' if trouble is None else 'FAILED: ' + trouble}")
    return int(any(trouble for _, trouble in found))


def _print(looked: Looked, *, always: bool) -> None:
    for event in looked.events:
        print(_line(event), flush=True)
    for words in looked.trouble:
        print(words, file=sys.stderr, flush=True)
    if always:
        print(f"looked at {looked.series_of} agents up to {to_datetime(looked.until_ns):%Y-%m-%d %H:%M} UTC: "
              f"{len(looked.events)} events")  # fmt: skip
        for each in looked.waiting:
            print(f"too young to say anything, {each}")


def _line(event: Event) -> str:
    moment = f"{to_datetime(event.at_ns):%Y-%m-%d %H:%M}"
    seen = "" if event.observed is None else f" {event.observed:.3g}"
    usual = "" if event.expected is None else f" where {event.expected:.3g} was expected"
    return f"{moment} {event.state:6} {event.agent} {event.series}{seen}{usual} ({event.opinion}, {event.score:.1f})"


def _print_json(looked: Looked) -> None:
    told: dict[str, Any] = asdict(looked)
    print(json.dumps({**told, "events": [asdict(event) for event in looked.events]}), flush=True)
