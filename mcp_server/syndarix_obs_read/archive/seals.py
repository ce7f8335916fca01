"""Which files of an archive are valid, and that nobody changed them.

A file counts from the moment it stands in the seal of its day, `sealed/YYYY-MM-DD.json`, with rows, bytes and SHA-256.
Seals carry an HMAC with the key of the receipts, and the home folder lists the newest of each day: a file, a seal or a
whole day that was changed, put back or taken away shows.
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from syndarix_obs.store.tombstones import FOLDER
from syndarix_obs_read.archive.place import ArchivePlace
from syndarix_obs_read.privacy.receipts import load_key, seal_of
from syndarix_obs_read.privacy.requests import now

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FOLDER: Final = "sealed"
_REGISTER: Final = "archives.jsonl"


@dataclass(frozen=True, slots=True)
class Part:
    """One file: its table, its name in the archive, how much it holds, and its hash."""

    table: str
    name: str
    rows: int
    bytes: int
    sha256: str


class Seals:
    """The seals of one archive.

    Args:
        home: the home folder whose key seals.
        place: where the archive lies.
    """

    def __init__(self, home: Path, place: ArchivePlace) -> None:
        self._home = home
        self.place = place

    def days(self) -> list[int]:
        """Sealed days since the epoch, oldest first. Raises BackendUnavailable."""
        names = (name.rpartition("/")[2].removesuffix(".json") for name in self.place.names(_FOLDER))
        return sorted(number_of(name) for name in names)

    def parts(self, day: int, table: str | None = None) -> list[Part]:
        """The files of a day, in the order in which they were written; of one table or of all."""
        data = self.place.read(_name(day))
        files = [] if data is None else json.loads(data)["files"]
        return [Part(**each) for each in files if table in (None, each["table"])]

    def save(self, day: int, parts: list[Part]) -> None:
        """Seal a day anew. Raises OSError or BackendUnavailable."""
        content: dict[str, Any] = {"day": text_of(day), "at": now(), "files": [asdict(each) for each in parts]}
        content["seal"] = seal_of(load_key(self._home / FOLDER), content)
        # Noted first: when the writing is cut off, the check says so instead of missing a change.
        note(self._home, self.place.address, text_of(day), content["seal"])
        self.place.write(_name(day), (json.dumps(content, indent=1) + "\n").encode())

    def drop(self, day: int) -> None:
        """Remove a day with its files."""
        for part in self.parts(day):
            self.place.delete(part.name)
        note(self._home, self.place.address, text_of(day), None)
        self.place.delete(_name(day))

    def missing(self) -> list[str]:
        """Days that were sealed and are not there: somebody moved or deleted them."""
        there = set(map(text_of, self.days()))
        return sorted(day for day, seal in _newest(self._home, self.place.address).items() if seal and day not in there)

    def faults(self) -> Iterator[str]:
        """What does not fit: every file is read. Nothing when the archive is as it was written."""
        key, expected = load_key(self._home / FOLDER), _newest(self._home, self.place.address)
        for name in sorted({*expected, *map(text_of, self.days())}):
            data = self.place.read(_name(number_of(name)))
            if data is None:
                if expected.get(name):
                    yield f"{name}: the day is missing"
                continue
            content = json.loads(data)
            if not hmac.compare_digest(str(content.get("seal")), seal_of(key, content)):
                yield f"{name}: the seal was changed, or made with the key of another home folder"
            elif name in expected and content["seal"] != expected[name]:
                yield f"{name}: the seal is not the newest one of this day: an older archive was put back"
            yield from self._changed(content["files"])

    def _changed(self, files: list[dict[str, Any]]) -> Iterator[str]:
        for each in files:
            try:
                if self.place.sha256(each["name"]) != each["sha256"]:
                    yield f"{each['name']}: the bytes are not those that were sealed"
            except FileNotFoundError:
                yield f"{each['name']}: the file is missing"


def addresses(home: Path) -> list[str]:
    """Every archive that days of this home folder were moved to."""
    return list(dict.fromkeys(each["archive"] for each in _noted(home)))


def note(home: Path, address: str, day: str | None = None, seal: str | None = None) -> None:
    """Note an archive, or the newest seal of one of its days; on disk when this returns. Raises OSError."""
    (home / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(home / FOLDER / _REGISTER, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        line = {"archive": address, "day": day, "seal": seal, "at": now()}
        os.write(handle, (json.dumps(line) + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def text_of(day: int) -> str:
    """A day as `YYYY-MM-DD`."""
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def number_of(text: str) -> int:
    """The day of a `YYYY-MM-DD`."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH).days


def sealed_days(home: Path) -> list[str]:
    """Days of the home folder that were moved to archives and not let go since, oldest first; asks no archive."""
    newest = {(each["archive"], each["day"]): each["seal"] for each in _noted(home) if each["day"]}
    return sorted({day for (_, day), seal in newest.items() if seal})


def _name(day: int) -> str:
    return f"{_FOLDER}/{text_of(day)}.json"


def _newest(home: Path, address: str) -> dict[str, str | None]:
    return {each["day"]: each["seal"] for each in _noted(home) if each["archive"] == address and each["day"]}


def _noted(home: Path) -> list[dict[str, Any]]:
    path = home / FOLDER / _REGISTER
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]
