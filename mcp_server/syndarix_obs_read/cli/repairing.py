"""`syndarix-obs doctor --repair`: mends the SQLite file, and says what was found, done and lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from syndarix_obs.errors import StoreError
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.errors import BackendUnavailable, FilterError
from syndarix_obs_read.settings import ReadSettings

if TYPE_CHECKING:
    from syndarix_obs.store.repair import Repaired


def repair_store(common: Common, settings: ReadSettings) -> None:
    """Check and mend the SQLite file of the settings, and print what was done.

    Raises:
        FilterError: the backend is another.
        BackendUnavailable: there is no store, it is in use, or nothing can be saved.
    """
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
