"""`syndarix-obs prune`: deletes what is older than a time."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syndarix_obs_read.cli.asking import settings_of
from syndarix_obs_read.cli.confirming import confirm
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.errors import BackendUnavailable, FilterError
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import parse_range

if TYPE_CHECKING:
    from syndarix_obs.store.classes import Rule


def prune(
    common: Common,
    before: Annotated[str | None, typer.Option(help="Older than this goes: 30d, 2026-03-01, …")] = None,
    ledger: Annotated[bool, typer.Option("--ledger", help="Also the cost ledger, which is kept otherwise.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    keep: Annotated[
        str | None, typer.Option(help="Days by class instead, as in SYNDARIX_OBS_RETENTION, which is taken without it.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")] = False,
    loki: Annotated[bool, typer.Option("--loki", help="Print the same periods for Loki's `limits_config`.")] = False,
) -> None:
    """Delete what is older than a time, or than the days of its class."""
    if before is None:
        _by_class(common, keep, yes=yes, dry_run=dry_run, loki=loki)
        return
    from syndarix_obs.store.retention import prune as prune_store

    settings = embedded_settings(common, "prune")
    before_ns = parse_range(before, "now", zone=settings.zone, now_ns=time.time_ns()).since_ns
    confirm(yes, f"Delete everything older than {before} from {settings.store_path}?")
    limit = before_ns if ledger else None
    removed = write_store(settings, lambda connection: prune_store(connection, before_ns, ledger_before_ns=limit))
    report_removed(common, {"before": before, **asdict(removed)}, "deleted")


def _by_class(common: Common, keep: str | None, *, yes: bool, dry_run: bool, loki: bool) -> None:
    from syndarix_obs.store.classes import apply, loki_streams, preview, rules

    text = keep or os.environ.get("SYNDARIX_OBS_RETENTION", "")
    try:
        found = rules({str(name): int(days) for name, days in json.loads(text or "{}").items()})
    except (ValueError, AttributeError):
        raise FilterError(f'{text!r} is no JSON of days; example: {{"payloads": 7, "ledger": 400}}') from None
    if not found:
        raise FilterError('what is too old? --before 30d, or --keep \'{"payloads": 7, "ledger": 400}\'')
    if loki:
        print(yaml_of(loki_streams(found)), end="")
        return
    if settings_of(common).backend == "stack":
        _in_loki(common, found, yes=yes, dry_run=dry_run)
        return
    settings, now_ns = embedded_settings(common, "prune"), time.time_ns()
    if dry_run:
        rows = write_store(settings, lambda connection: list(preview(connection, found, now_ns)))
        answer = [{"class": r.name, "project": r.project, "days": r.days, "rows": count} for r, count in rows]
        text = "\n".join(f"{r.name:10} {r.project or 'all':12} {r.days:>5} d  {count:>10,}" for r, count in rows)
        print(json.dumps(answer, indent=2) if common.as_json else text)
        return
    confirm(yes, f"What is older than {text} goes from {settings.store_path}: go on?")
    removed = write_store(settings, lambda connection: apply(connection, found, now_ns))
    said = ", ".join(f"{count:,} {name}" for name, count in removed.items())
    print(json.dumps(removed) if common.as_json else f"deleted: {said}")


def _in_loki(common: Common, found: Sequence[Rule], *, yes: bool, dry_run: bool) -> None:
    from syndarix_obs_read.privacy import loki_retention as loki

    settings = settings_of(common)
    wanted = [(each, loki.count(settings, each)) for each in loki.deletions(found, int(time.time()))]
    if not dry_run:
        lines = sum(lines for _, lines in wanted)
        confirm(yes, f"{lines:,} lines of Loki at {settings.loki_url} are too old and go: go on?")
        loki.flush(settings)
        for each, _ in wanted:
            loki.delete(settings, each)
    if common.as_json:
        print(json.dumps([{"class": each.name, "project": each.project, "days": each.days, "lines": lines,
                           "query": each.query} for each, lines in wanted], indent=2))  # fmt: skip
        return
    for each, lines in wanted:
        print(f"{each.name:10} {each.project or 'all':12} {each.days:>5} d  {lines:>10,}")
    if not dry_run:
        print("Loki was asked to delete these lines: they go at the first compaction after its cancel period")


def yaml_of(streams: list[dict[str, Any]]) -> str:
    """Loki's periods as they stand in its file."""
    import yaml

    return str(yaml.safe_dump({"limits_config": {"retention_stream": streams}}, sort_keys=False))


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
