"""Which exports were made, and where: an erasure has to find them again. One line each in `erased/exports.jsonl`."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final

from syndarix_obs.store.tombstones import FOLDER, hash_of
from syndarix_obs_read.privacy.requests import now

SHARING: Final = "sharing"
"""Purpose of exports in which people have other names."""
_FILE: Final = "exports.jsonl"


def note_export(
    home: Path, folder: Path, purpose: str, traces: Sequence[str] = (), people: Sequence[str] | None = None
) -> None:
    """Note a folder, or a single file, before anything is written to it. Raises OSError.

    Args:
        home: of the store.
        folder: where the export goes.
        purpose: what it is for.
        traces: that a file shows; in some forms their people cannot be found in its bytes.
        people: pseudonyms of whom is in a set to share, where they have other names; None when that is not known.
    """
    place = folder.absolute()
    if not traces and place in exports(home):
        return
    (home / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(home / FOLDER / _FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        line: dict[str, Any] = {"folder": str(place), "purpose": purpose, "at": now()}
        line |= {"traces": list(traces)} if traces else {}
        line |= {} if people is None else {"people": sorted(map(hash_of, people))}
        os.write(handle, (json.dumps(line) + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def exports(home: Path) -> list[Path]:
    """Folders and single files of exports that were made, oldest first."""
    return list(dict.fromkeys(Path(each["folder"]) for each in _noted(home)))


def files_with(home: Path, traces: Collection[str]) -> list[Path]:
    """Single files that show some of these traces, where they still are."""
    wanted = set(traces)
    found = [Path(each["folder"]) for each in _noted(home) if wanted.intersection(each.get("traces", ()))]
    return [path for path in dict.fromkeys(found) if path.is_file()]


def shared_with(home: Path, pseudonym: str) -> list[Path]:
    """Folders of sets to share, where they still are, that hold a user under another name, or may."""
    wanted = hash_of(pseudonym)
    noted = (each for each in _noted(home) if each["purpose"] == SHARING and wanted in each.get("people", (wanted,)))
    return [path for path in dict.fromkeys(Path(each["folder"]) for each in noted) if path.is_dir()]


def _noted(home: Path) -> list[dict[str, Any]]:
    path = home / FOLDER / _FILE
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
