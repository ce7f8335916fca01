"""`syndarix-obs prune`: deletes what is older than a time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from syndarix_obs_read.cli.asking import settings_of
from syndarix_obs_read.cli.confirming import confirm
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.errors import BackendUnavailable, FilterError
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import parse_range


def prune(
    common: Common,
    before: Annotated[str, typer.Option(help="Older than this goes: 30d, 2026-03-01, …")],
    ledger: Annotated[bool, typer.Option("--ledger", help="Also the cost ledger, which is kept otherwise.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete what is older than a time."""
    from syndarix_obs.store.retention import prune as prune_store

    settings = embedded_settings(common, "prune")
    before_ns = parse_range(before, "now", zone=settings.zone, now_ns=time.time_ns()).since_ns
    confirm(yes, f"Delete everything older than {before} from {settings.store_path}?")
    limit = before_ns if ledger else None
    removed = write_store(settings, lambda connection: prune_store(connection, before_ns, ledger_before_ns=limit))
    report_removed(common, {"before": before, **asdict(removed)}, "deleted")


def embedded_settings(common: Common, command: str) -> ReadSettings:
    """The settings, for what works on the SQLite file only."""
    settings = settings_of(common)
    if settings.backend != "embedded":
        raise FilterError(f"`{command}` works on the SQLite file; the stack's servers delete by RETENTION_DAYS")
    if not settings.store_path.exists():
        raise BackendUnavailable(f"no store at {settings.store_path}: --home or SYNDARIX_OBS_HOME says where it is")
    return settings


def write_store(settings: ReadSettings, action: Callable[[Any], Any]) -> Any:
    """Run an action on the store."""
    from syndarix_obs.store.database import open_for_write

    connection = open_for_write(settings.store_path)
    try:
        return action(connection)
    finally:
        connection.close()


def report_removed(common: Common, removed: dict[str, Any], verb: str) -> None:
    """Say what was removed."""
    if common.as_json:
        print(json.dumps(removed, indent=2))
        return
    counts = ", ".join(f"{removed[name]:,} {name}" for name in ("records", "sessions", "ledger"))
    print(f"{verb} or made anonymous: {counts}" if verb == "erased" else f"{verb}: {counts}")
