"""`syndarix-obs archive`: finished days as Parquet files, in a folder or in object storage."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syndarix_obs_read.cli.asking import settings_of
from syndarix_obs_read.cli.confirming import confirm
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.cli.prune import embedded_settings, write_store
from syndarix_obs_read.timerange import parse_range

if TYPE_CHECKING:
    from syndarix_obs_read.archive.move import Limits
    from syndarix_obs_read.archive.place import ArchivePlace
    from syndarix_obs_read.settings import ReadSettings


def archive(
    common: Common,
    before: Annotated[str | None, typer.Option(help="Move days that ended before this: 30d, 2026-03-01, …")] = None,
    ledger_before: Annotated[
        str | None, typer.Option(help="The same for the cost ledger, which stays in the store otherwise.")
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Folder or address, such as s3://bucket/agents. Default: the setting.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read every file and compare it with its seal.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would move, and change nothing.")] = False,
) -> None:
    """Move finished days to Parquet files, or list what is archived.

    Every file is read back before a row leaves the store. Answers look at archived days with `--archive`, erasures
    reach them, and days older than SYNDARIX_OBS_READ_ARCHIVE_DAYS go.
    """
    if verify:
        _verify(common)
        return
    if before is None and ledger_before is None:
        _list(common)
        return
    from syndarix_obs_read.archive import move
    from syndarix_obs_read.archive.known import address_of
    from syndarix_obs_read.archive.place import ArchivePlace
    from syndarix_obs_read.privacy.audit import audit

    settings = settings_of(common)
    if settings.backend != "stack":
        settings = embedded_settings(common, "archive")
    limits = move.Limits(_time(settings, before), _time(settings, ledger_before), _expiry(settings))
    place = ArchivePlace(address_of(settings, to), settings.home / move.WORK)
    if settings.backend == "stack":
        _of_stack(common, settings, place, limits, dry_run=dry_run)
        return
    if dry_run:
        _say_preview(common, place.address, write_store(settings, lambda c: move.preview(c, limits)))
        return
    confirm(yes, f"Move what ended before {before or ledger_before} from {settings.store_path} to {place.address}?")
    moved = write_store(settings, lambda c: move.archive(settings.home, c, place, limits, tell=_tell))
    audit(settings, "archive", f"{moved.written} rows of {moved.days} days written, {moved.expired} days let go")
    _say_moved(common, place.address, moved)


def _of_stack(
    common: Common, settings: ReadSettings, place: ArchivePlace, limits: Limits, *, dry_run: bool
) -> None:
    """Days of Loki are copied: nothing leaves it, so nothing is asked."""
    from syndarix_obs_read.archive import from_stack
    from syndarix_obs_read.archive.seals import text_of
    from syndarix_obs_read.privacy.audit import audit

    if dry_run:
        wanted = [text_of(day) for day in from_stack.days(settings, place, limits, time.time_ns())]
        print(json.dumps({"to": place.address, "days": wanted}) if common.as_json else "\n".join(wanted) or "no day")
        return
    moved = from_stack.archive(settings, place, limits, tell=_tell)
    audit(settings, "archive", f"{moved.written} rows of {moved.days} days of Loki written, {moved.expired} let go")
    if common.as_json:
        print(json.dumps({"to": place.address, **asdict(moved)}))
        return
    print(f"{moved.written:,} rows of {moved.days} days of Loki written to {place.address}")
    print("Loki keeps its lines until its own retention, or `syndarix-obs prune --keep`")
    print("answers over these days: SYNDARIX_OBS_BACKEND=embedded, with --archive")


def _time(settings: ReadSettings, text: str | None) -> int | None:
    return None if text is None else parse_range(text, "now", zone=settings.zone, now_ns=time.time_ns()).since_ns


def _expiry(settings: ReadSettings) -> int | None:
    days = settings.archive_days
    return None if days is None else time.time_ns() - days * 86_400 * 10**9


def _tell(day: str, rows: int) -> None:
    print(f"  {day}  {rows:>10,}", file=sys.stderr)


def _say_preview(common: Common, address: str, found: dict[str, int]) -> None:
    said = ", ".join(f"{count:,} {name}" for name, count in found.items())
    print(json.dumps({"to": address, **found}) if common.as_json else f"would move to {address}: {said}")


def _say_moved(common: Common, address: str, moved: Any) -> None:
    if common.as_json:
        print(json.dumps({"to": address, **asdict(moved)}))
        return
    print(f"{moved.written:,} rows of {moved.days} days written to {address}, {moved.removed:,} removed from the store")
    if moved.expired:
        print(f"{moved.expired} days of the archive were too old and are deleted")
    if moved.unequal:
        print(f"{moved.unequal:,} rows changed in the meantime and stay in the store: run this again")


def _list(common: Common) -> None:
    from syndarix_obs_read.archive.known import known_archives
    from syndarix_obs_read.archive.seals import text_of

    found = []
    for seals in known_archives(settings_of(common)):
        for day in seals.days():
            parts = seals.parts(day)
            rows = {name: sum(p.rows for p in parts if p.table == name) for name in ("records", "sessions", "ledger")}
            found.append({"archive": seals.place.address, "day": text_of(day), **rows,
                          "bytes": sum(part.bytes for part in parts)})  # fmt: skip
    if common.as_json:
        print(json.dumps(found, indent=2))
        return
    if not found:
        print("nothing is archived; `syndarix-obs archive --before 30d` moves what is older")
        return
    print(f"{'day':10} {'records':>10} {'sessions':>9} {'ledger':>9} {'bytes':>13}  archive")
    for each in found:
        print(f"{each['day']:10} {each['records']:>10,} {each['sessions']:>9,} {each['ledger']:>9,} "
              f"{each['bytes']:>13,}  {each['archive']}")  # fmt: skip


def _verify(common: Common) -> None:
    from syndarix_obs_read.archive.known import known_archives

    archives = known_archives(settings_of(common))
    faults = [f"{seals.place.address}: {fault}" for seals in archives for fault in seals.faults()]
    days = sum(len(seals.days()) for seals in archives)
    if common.as_json:
        print(json.dumps({"days": days, "faults": faults}, indent=2))
    else:
        print(*faults or [f"{days} days, every file is what was sealed"], sep="\n")
    if faults:
        raise typer.Exit(1)
