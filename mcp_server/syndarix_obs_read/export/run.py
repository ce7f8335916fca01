"""One export: files written side by side, each noted when it is whole, and a manifest at the end.

Killed, it goes on with the files that are missing when the same export is started again with the same folder. What was
recorded after it first began is not in it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from syndarix_obs.store.database import open_for_read
from syndarix_obs_read.errors import UsageError
from syndarix_obs_read.export import rows as r
from syndarix_obs_read.export.formats import require
from syndarix_obs_read.export.part import DRAFT, PartOrder, write_part
from syndarix_obs_read.export.privacy import Sharing
from syndarix_obs_read.export.register import SHARING, note_export
from syndarix_obs_read.export.workers import run_all
from syndarix_obs_read.privacy.requests import now
from syndarix_obs_read.settings import ReadSettings

ROWS_PER_PART: Final = 50_000
MANIFEST: Final = "_manifest.json"
"""Readers of folders of Parquet pass over names that begin like this."""
_PROGRESS: Final = ".progress.json"
_SUFFIX: Final = {"jsonl": "jsonl", "csv": "csv", "parquet": "parquet", "otlp": "otlp.jsonl"}
Purpose = Literal["books", "sharing"]
Tell = Callable[[int, int], None]


@dataclass(slots=True)
class Progress:
    """What is whole on disk.

    Args:
        order: what was asked for; another order does not go on here.
        pieces: which rows go into which file.
        parts: name, rows, bytes and SHA-256 of each whole file, by number of its piece.
        seen: users by combination of quasi-identifiers, under their new names, of a sharing export.
        secret: key and shift of a sharing export, only while it is unfinished.
    """

    order: dict[str, Any]
    pieces: list[tuple[int, int]] = field(default_factory=list)
    total: int = 0
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: list[list[Any]] = field(default_factory=list)
    secret: dict[str, Any] = field(default_factory=dict)


def run(
    settings: ReadSettings,
    choice: r.Choice,
    folder: Path,
    *,
    format_name: str = "jsonl",
    purpose: Purpose = "books",
    asked: Mapping[str, str | None] | None = None,
    tell: Tell = lambda _done, _total: None,
    rows_per_part: int = ROWS_PER_PART,
) -> dict[str, Any]:
    """Export rows of the backend into a folder; returns the manifest.

    Args:
        settings: which backend, and where.
        choice: which rows.
        folder: made if need be; empty, or with the same export unfinished.
        format_name: one of `formats.NAMES`.
        purpose: `sharing` changes names and times and redacts texts again.
        asked: the time in the words of the caller: `24h` is another time when the same export is started again, which
            then goes on with the time of the first start.
        tell: told rows done and rows in all (0 when that is not known), now and then.
        rows_per_part: rows of one file; of the stack, where rows are not counted before, a file holds six hours.

    Raises:
        UsageError: another export lies in the folder, or the format needs an extra.
        BackendError, StoreError: the backend cannot be read; what is whole stays, the same call goes on.
    """
    require(format_name)
    words = dict(asked or {"since": str(choice.since_ns), "until": str(choice.until_ns)})
    order = {**asdict(choice), "format": format_name, "purpose": purpose, "asked": words}
    progress = _begin(settings, choice, folder, json.loads(json.dumps(order)), rows_per_part)
    choice = replace(choice, since_ns=progress.order["since_ns"], until_ns=progress.order["until_ns"])
    note_export(settings.home, folder, purpose, people=_people(settings, choice) if purpose == SHARING else None)
    orders = [
        (number, PartOrder(choice, piece, str(folder / _name(choice, number, format_name)), format_name,
                           progress.secret or None))
        for number, piece in enumerate(progress.pieces) if str(number) not in progress.parts
    ]  # fmt: skip
    counter = _Counter(folder, progress, tell)
    if len(orders) == 1:
        counter.done(orders[0][0], write_part(settings, orders[0][1], counter.more))
    else:
        run_all(settings, orders, counter)
    return _finish(folder, progress, purpose)


class _Counter:
    """Notes what is done, and tells of it."""

    def __init__(self, folder: Path, progress: Progress, tell: Tell) -> None:
        self._folder, self._progress, self._tell = folder, progress, tell
        self._rows = sum(part["rows"] for part in progress.parts.values())

    def __call__(self, number: int, said: dict[str, Any]) -> None:
        if "rows" in said:
            self.more(said["rows"])
        else:
            self.done(number, said)

    def more(self, rows: int) -> None:
        self._rows += rows
        self._tell(self._rows, self._progress.total)

    def done(self, number: int, said: dict[str, Any]) -> None:
        self._progress.parts[str(number)] = said["part"]
        if said["seen"]:
            sharing = Sharing()
            sharing.add(self._progress.seen)
            sharing.add(said["seen"])
            self._progress.seen = sharing.seen()
        _save(self._folder, self._progress)


def _name(choice: r.Choice, number: int, format_name: str) -> str:
    return f"{choice.what}-{number + 1:06d}.{_SUFFIX[format_name]}"


def _begin(
    settings: ReadSettings, choice: r.Choice, folder: Path, order: dict[str, Any], rows_per_part: int
) -> Progress:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / _PROGRESS
    if path.exists():
        progress = Progress(**json.loads(path.read_text("utf-8")))
        if progress.order != {**order, **{name: progress.order.get(name) for name in ("since_ns", "until_ns")}}:
            raise UsageError(f"another export is unfinished in {folder}: choose another folder (--to), or delete it")
        for draft in folder.glob(f".*{DRAFT}"):
            draft.unlink()
        return progress
    if any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: choose another folder (--to)")
    progress = Progress(order, *_plan(settings, choice, rows_per_part))
    if order["purpose"] == "sharing":
        sharing = Sharing()
        progress.secret = {"key": sharing.key.hex(), "shift_ns": sharing.shift_ns}
    _save(folder, progress)
    return progress


def _plan(settings: ReadSettings, choice: r.Choice, rows_per_part: int) -> tuple[list[tuple[int, int]], int]:
    if settings.backend == "stack":
        from syndarix_obs_read.export.stack import pieces

        return pieces(settings, choice), 0
    with contextlib.closing(open_for_read(settings.store_path)) as connection:
        return r.pieces(connection, choice, rows_per_part), r.count(connection, choice)


def _people(settings: ReadSettings, choice: r.Choice) -> list[str] | None:
    """Who is in it, so that an erasure finds a set in which everybody has another name; None for the stack."""
    if settings.backend == "stack":
        return None
    with contextlib.closing(open_for_read(settings.store_path)) as connection:
        return r.users(connection, choice)


def _save(folder: Path, progress: Progress) -> None:
    draft = folder / f"{_PROGRESS}{DRAFT}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(progress), file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / _PROGRESS)


def _finish(folder: Path, progress: Progress, purpose: Purpose) -> dict[str, Any]:
    parts = [part for _, part in sorted(progress.parts.items(), key=lambda each: int(each[0])) if part["rows"]]
    manifest = {
        "made_at": now(),
        "made_of": progress.order,
        "rows": sum(part["rows"] for part in parts),
        "privacy": "pseudonymised, not anonymous",
        "files": parts,
    }
    if purpose == "sharing":
        sharing = Sharing()
        sharing.add(progress.seen)
        manifest["privacy"] = sharing.words()
        manifest["made_of"] = {"what": progress.order["what"], "format": progress.order["format"], "purpose": purpose}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", "utf-8")
    (folder / _PROGRESS).unlink()
    return manifest
