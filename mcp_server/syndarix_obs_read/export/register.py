"""Which exports were made, and where: an erasure has to find them again. One line each in `erased/exports.jsonl`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from syndarix_obs.store.tombstones import FOLDER
from syndarix_obs_read.privacy.requests import now

_FILE: Final = "exports.jsonl"


def note_export(home: Path, folder: Path, purpose: str) -> None:
    """Note a folder before anything is written to it. Raises OSError."""
    known = exports(home)
    place = folder.absolute()
    if place in known:
        return
    (home / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(home / FOLDER / _FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, (json.dumps({"folder": str(place), "purpose": purpose, "at": now()}) + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def exports(home: Path) -> list[Path]:
    """Folders of exports that were made, oldest first."""
    path = home / FOLDER / _FILE
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Path(json.loads(line)["folder"]) for line in lines if line.endswith("}")]
