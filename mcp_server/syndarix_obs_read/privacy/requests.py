"""Erasures that are under way: on disk until everybody is gone from everywhere, so that any run can go on with them."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from syndarix_obs.store.tombstones import FOLDER, hash_of
from syndarix_obs_read.privacy.places import Person, Progress

_SUFFIX: Final = ".request.json"


@dataclass(slots=True)
class Request:
    """One erasure under way.

    Args:
        person: whom it is about.
        asked_by: name of the account that asked first.
        asked_at: when, as an ISO date and time.
        places: how far it is, by name of the place.
    """

    person: Person
    asked_by: str
    asked_at: str
    places: dict[str, Progress] = field(default_factory=dict)

    @property
    def gone(self) -> bool:
        """Whether nothing is left to do."""
        return bool(self.places) and all(each.state == "gone" for each in self.places.values())


class Requests:
    """The erasures under way in one home folder."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER

    def open(self) -> list[Request]:
        """All that are under way."""
        return [_read(path) for path in sorted(self._folder.glob(f"*{_SUFFIX}"))]

    def load(self, pseudonym: str) -> Request | None:
        """The one about a person."""
        path = self._path(pseudonym)
        return _read(path) if path.exists() else None

    def begin(self, person: Person) -> Request:
        """Note a new one; on disk when this returns. Raises OSError."""
        request = Request(person, account(), now())
        self.save(request)
        return request

    def save(self, request: Request) -> None:
        """Note how far it is: the old note or the new one survives a crash, never half of one."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(request.person.pseudonym)
        draft = path.with_suffix(".draft")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(request), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def end(self, request: Request) -> None:
        """Forget it: it named the person."""
        self._path(request.person.pseudonym).unlink(missing_ok=True)

    @contextlib.contextmanager
    def alone(self, pseudonym: str) -> Iterator[bool]:
        """Be the only run about a person, waiting for another; True when there was none to wait for.

        The kernel gives the lock back when its holder dies.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self._folder / f"{hash_of(pseudonym)}.lock", "a", encoding="ascii") as file:
            first = True
            if sys.platform != "win32":
                import fcntl

                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    first = False
                    fcntl.flock(file, fcntl.LOCK_EX)
            yield first

    def _path(self, pseudonym: str) -> Path:
        return self._folder / f"{hash_of(pseudonym)}{_SUFFIX}"


def now() -> str:
    """The present time, as an ISO date and time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def account() -> str:
    """Name of the account that this process runs as."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no name for this number on this machine
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def _read(path: Path) -> Request:
    data = json.loads(path.read_text(encoding="utf-8"))
    whom: dict[str, Any] = data["person"]
    person = Person(whom["pseudonym"], tuple(whom["sessions"]), tuple(whom["traces"]), whom["first_ns"])
    places = {name: Progress(**each) for name, each in data["places"].items()}
    return Request(person, data["asked_by"], data["asked_at"], places)
