"""One export: parts one after the other, each noted when it is whole, and a manifest at the end.

Killed, it goes on behind the last whole part when the same export is started again with the same folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from syndarix_obs.store.database import open_for_read
from syndarix_obs_read.errors import UsageError
from syndarix_obs_read.export import rows as r
from syndarix_obs_read.export.formats import open_part
from syndarix_obs_read.export.privacy import Change, Sharing, lines_without_secrets, without_secrets
from syndarix_obs_read.export.register import note_export
from syndarix_obs_read.privacy.requests import now
from syndarix_obs_read.settings import ReadSettings

ROWS_PER_PART: Final = 100_000
MANIFEST: Final = "_manifest.json"
"""Readers of folders of Parquet pass over names that begin like this."""
_PROGRESS: Final = ".progress.json"
_SUFFIX: Final = {"jsonl": "jsonl", "csv": "csv", "parquet": "parquet", "otlp": "otlp.jsonl"}
Purpose = Literal["books", "sharing"]


@dataclass(slots=True)
class Progress:
    """What is whole on disk.

    Args:
        order: what was asked for; another order does not go on here.
        after: id of the last row in a whole part.
        parts: name, rows, bytes and SHA-256 of each.
        secret: key and shift of a sharing export, only while it is unfinished.
    """

    order: dict[str, Any]
    after: int = 0
    parts: list[dict[str, Any]] = field(default_factory=list)
    secret: dict[str, Any] = field(default_factory=dict)


def run(
    settings: ReadSettings,
    choice: r.Choice,
    folder: Path,
    *,
    format_name: str = "jsonl",
    purpose: Purpose = "books",
    tell: Callable[[int, int], None] = lambda _done, _total: None,
    rows_per_part: int = ROWS_PER_PART,
) -> dict[str, Any]:
    """Export rows of the store into a folder; returns the manifest.

    Args:
        settings: where the store is.
        choice: which rows.
        folder: made if need be; empty, or with the same export unfinished.
        format_name: one of `formats.NAMES`.
        purpose: `sharing` changes names and times and redacts texts again.
        tell: told rows done and rows in all, now and then.
        rows_per_part: rows of one file.

    Raises:
        UsageError: another export lies in the folder, or the format needs an extra.
        StoreError: there is no store.
    """
    progress = _begin(folder, {**asdict(choice), "format": format_name, "purpose": purpose})
    change: Callable[[Any], Any] = _change(progress, purpose)
    note_export(settings.home, folder, purpose)
    with contextlib.closing(open_for_read(settings.store_path)) as connection:
        total = r.count(connection, choice)
        done = sum(part["rows"] for part in progress.parts)
        pages: Iterator[tuple[int, list[Any]]] = r.pages(connection, choice, progress.after)
        if format_name == "jsonl" and purpose == "books":
            pages, change = r.lines(connection, choice, progress.after), lines_without_secrets()
        page = next(pages, None)
        while page is not None:
            path = folder / f"{choice.what}-{len(progress.parts) + 1:06d}.{_SUFFIX[format_name]}"
            part, count, after = open_part(format_name, path, choice.what), 0, progress.after
            while page is not None and count < rows_per_part:
                after = page[0]
                part.write([change(row) for row in page[1]])
                count += len(page[1])
                tell(done + count, total)
                page = next(pages, None)
            part.close()
            progress.parts.append({"name": path.name, "rows": count, **_sealed(path)})
            progress.after = after
            done += count
            _save(folder, progress)
    return _finish(folder, progress, change, purpose)


def _begin(folder: Path, order: dict[str, Any]) -> Progress:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    order = json.loads(json.dumps(order))
    path = folder / _PROGRESS
    if path.exists():
        progress = Progress(**json.loads(path.read_text("utf-8")))
        if progress.order != order:
            raise UsageError(f"another export is unfinished in {folder}: choose another folder (--to), or delete it")
        return progress
    if any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: choose another folder (--to)")
    progress = Progress(order)
    _save(folder, progress)
    return progress


def _change(progress: Progress, purpose: Purpose) -> Change:
    if purpose == "books":
        return without_secrets()
    if progress.secret:
        return Sharing(bytes.fromhex(progress.secret["key"]), progress.secret["shift_ns"])
    sharing = Sharing()
    progress.secret = {"key": sharing.key.hex(), "shift_ns": sharing.shift_ns}
    return sharing


def _save(folder: Path, progress: Progress) -> None:
    draft = folder / f"{_PROGRESS}.draft"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(progress), file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / _PROGRESS)


def _finish(folder: Path, progress: Progress, change: object, purpose: Purpose) -> dict[str, Any]:
    manifest = {
        "made_at": now(),
        "made_of": progress.order,
        "rows": sum(part["rows"] for part in progress.parts),
        "privacy": "pseudonymised, not anonymous",
        "files": progress.parts,
    }
    if purpose == "sharing" and isinstance(change, Sharing):
        manifest["privacy"] = change.words()
        manifest["made_of"] = {"what": progress.order["what"], "format": progress.order["format"], "purpose": purpose}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", "utf-8")
    (folder / _PROGRESS).unlink()
    return manifest


def _sealed(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
        os.fsync(file.fileno())
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}
