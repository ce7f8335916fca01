"""`syndarix-obs export`: a person's data, the books, or a set to share."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from syndarix_obs_read.cli.asking import Asker, settings_of
from syndarix_obs_read.cli.options import Common, When, Who
from syndarix_obs_read.cli.prune import embedded_settings
from syndarix_obs_read.errors import FilterError


def export(
    common: Common,
    when: When,
    who: Who,
    to: Annotated[Path, typer.Option(help="Folder for the files; empty, or with this export unfinished.")],
    what: Annotated[str, typer.Option(help="records, ledger or decisions.")] = "records",
    form: Annotated[str, typer.Option("--format", help="jsonl, csv, parquet or otlp.")] = "jsonl",
    person: Annotated[str | None, typer.Option(help="Everything of one person, as JSON and a page to read.")] = None,
    share: Annotated[bool, typer.Option("--share", help="To share: new names, shifted times, redacted texts.")] = False,
) -> None:
    """Write what was recorded to files, with a manifest of their hashes.

    Started again with the same options and folder it goes on where it was killed. Secrets never leave.
    """
    from syndarix_obs_read.export.formats import NAMES
    from syndarix_obs_read.export.rows import Choice
    from syndarix_obs_read.export.run import run
    from syndarix_obs_read.privacy.audit import audit

    settings = settings_of(common)
    if person is not None:
        _person(common, person, to)
        return
    if form not in NAMES or what not in ("records", "ledger", "decisions"):
        raise FilterError(
            f"cannot export {what} as {form}; --what records, ledger or decisions; --format {', '.join(NAMES)}"
        )
    asker = Asker(settings)
    period = asker.period(when)
    given = asker.filter(who)
    equal = tuple(
        (name, value) for name in ("agent", "project", "user", "session_id", "task_type", "service", "environment")
        if (value := getattr(given, name)) is not None
    )  # fmt: skip
    choice = Choice(what, period.since_ns, period.until_ns, equal)  # type: ignore[arg-type]  # checked above
    with _bar() as tell:
        manifest = run(
            settings, choice, to, format_name=form, purpose="sharing" if share else "books",
            asked={"since": when.since, "until": when.until}, tell=tell,
        )  # fmt: skip
    audit(settings, "export", f"{manifest['rows']} {what} as {form}" + (" for sharing" if share else ""))
    if common.as_json:
        print(json.dumps(manifest, indent=2, ensure_ascii=False))
        return
    size = sum(part["bytes"] for part in manifest["files"])
    print(f"{manifest['rows']:,} {what} in {len(manifest['files'])} files, {size:,} bytes, in {to}")
    print(manifest["privacy"])
    if settings.backend == "stack":
        print("plain spans of other libraries are in Tempo alone, and not in these files")


def _person(common: Common, person: str, to: Path) -> None:
    from syndarix_obs_read.export.person import export_person
    from syndarix_obs_read.privacy.audit import audit
    from syndarix_obs_read.users import pseudonym_of

    settings = embedded_settings(common, "export --person")
    counts = export_person(settings, pseudonym_of(settings, person), to)
    audit(settings, "export", "a person's own data")
    if common.as_json:
        print(json.dumps(counts))
        return
    print(", ".join(f"{count:,} {name}" for name, count in counts.items()) + f" in {to}: data.json, data.html")


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("export")
        yield lambda done, total: progress.update(task, completed=done, total=total or None)
