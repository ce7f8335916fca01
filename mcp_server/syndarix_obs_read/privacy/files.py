"""Places on this machine: the SQLite file, spools, the index of users, older copies, and whatever else lies at home."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from syndarix_obs.delivery.erased import Anonymise, count_left_over, erase_left_over
from syndarix_obs.destinations.loki_push import anonymous_frame
from syndarix_obs.errors import StoreError
from syndarix_obs.identity import INDEX_FILE, KEY_FILE
from syndarix_obs.store.database import open_for_write
from syndarix_obs.store.erase import count_of, erase_person, mark_applied, scrub, traces_of
from syndarix_obs.store.location import STORE_FILE
from syndarix_obs.store.tombstones import FOLDER, Tombstones
from syndarix_obs_read.privacy.places import EraseSource, Note, Person, Verdict
from syndarix_obs_read.privacy.scan import scan
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.users import identity

_SIDE: Final = ("", "-wal", "-shm", "-journal")
_ANONYMISERS: Final[dict[str, Anonymise]] = {"loki": anonymous_frame}


class StoreSource:
    """The SQLite file with its write-ahead log, free pages and text index."""

    name = "store"
    holds = (
        "records, payloads and their contents, cost ledger, sessions, text index; "
        "also in the write-ahead log and in free pages"
    )
    kept = "`SYNDARIX_OBS_RETENTION_DAYS`, the ledger without end unless a retention of its own is set"
    method = "rows lose the person, payloads and index entries go, the file is written anew, the log emptied"
    retries = True
    destinations = frozenset({"embedded"})

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, person: Person) -> int:
        """Rows under the pseudonym."""
        with self._open() as connection:
            return 0 if connection is None else count_of(connection, person.pseudonym).total

    def erase(self, person: Person, note: Note) -> int:
        """Make the rows anonymous and write the file anew."""
        with self._open() as connection:
            if connection is None:
                return 0
            traces = sorted({*person.traces, *traces_of(connection, person.pseudonym, person.sessions)})
            erased = erase_person(connection, person.pseudonym, traces)
            note["log_in_use"] = not scrub(connection)
            mark_applied(connection, Tombstones(self._path.parent).state())
            return erased.total

    def verify(self, person: Person, note: Note) -> Verdict:
        """Ask for rows, then look through the bytes of the file and its log."""
        left = self.find(person)
        files = [path for side in _SIDE if (path := Path(f"{self._path}{side}")).exists()]
        found = scan(files, person.needles)
        left += sum(found.hits.values())
        in_use = left and note.get("log_in_use")
        why = "a reader keeps the old write-ahead log in use: end it, then run this again" if in_use else ""
        return Verdict(not left and not found.unread, f"rows, then {found.words()}", left, why)

    def owns(self, path: Path) -> bool:
        """The file and what SQLite keeps beside it."""
        return str(path) in {f"{self._path}{side}" for side in _SIDE}

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        if not self._path.exists() or not self._path.stat().st_size:
            yield None
            return
        with contextlib.closing(open_for_write(self._path)) as connection:
            yield connection


class CopiesSource:
    """Other SQLite files of ours in the home folder: backups beside the store, and what `doctor --repair` put aside."""

    name = "copies"
    holds = "what the store held when the copy was made"
    kept = "until somebody deletes them"
    method = "as the store; a copy that cannot be opened any more is deleted"
    retries = True
    destinations: frozenset[str] = frozenset()

    def __init__(self, path: Path) -> None:
        self._store = path

    def find(self, person: Person) -> int:
        """Files that hold the person."""
        return len(scan(self._copies(), person.needles).hits)

    def erase(self, person: Person, note: Note) -> int:
        """Erase in each copy that holds the person."""
        hits = scan(self._copies(), person.needles).hits
        for each in hits:
            path = Path(each)
            if not path.exists():
                continue
            try:
                if path.name.endswith(_SIDE[1:]):
                    raise StoreError("a log without its file")
                StoreSource(path).erase(person, note)
            except (StoreError, sqlite3.Error):
                path.unlink(missing_ok=True)
        return len(hits)

    def verify(self, person: Person, note: Note) -> Verdict:  # noqa: ARG002 - protocol
        """Look through the bytes of the copies."""
        return _by_bytes(self._copies(), person)

    def owns(self, path: Path) -> bool:
        """Any file named after the store that is not the store."""
        return path.name.startswith(STORE_FILE) and not StoreSource(self._store).owns(path)

    def _copies(self) -> list[Path]:
        return [path for path in sorted(self._store.parent.glob(f"{STORE_FILE}*")) if self.owns(path)]


class SpoolSource:
    """What waits on disk for Loki, Tempo and other destinations."""

    name = "spool"
    holds = "lines and spans that their destination has not taken yet"
    kept = "until they are delivered, at most up to `SYNDARIX_OBS_SPOOL_MAX_BYTES`"
    method = "lines lose the person, spans are dropped; a live process does it for its own spool within seconds"
    retries = True
    destinations: frozenset[str] = frozenset()

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = home / "spool"

    def find(self, person: Person) -> int:
        """Frames of the person that wait."""
        found = count_left_over(self._folder, person.pseudonym)
        return found.dead + found.live

    def erase(self, person: Person, note: Note) -> int:  # noqa: ARG002 - protocol
        """Rewrite what dead processes left; live ones have seen the tombstone."""
        return erase_left_over(self._folder, Tombstones(self._home), _ANONYMISERS)

    def verify(self, person: Person, note: Note) -> Verdict:  # noqa: ARG002 - protocol
        """Look through the bytes of all spools."""
        found = _by_bytes([self._folder], person)
        if found.gone:
            return found
        why = "a running agent has yet to look through its spool: within 15 s, or when its destination answers"
        return Verdict(False, found.checked, found.left, why)

    def owns(self, path: Path) -> bool:
        """Everything in the folder `spool`."""
        return self._folder in path.parents


class UsersSource:
    """The index of pseudonyms: who was seen when."""

    name = "users"
    holds = "the pseudonym, first and last time seen; never the raw id"
    kept = "until the user is erased"
    method = "the line goes, the file is written anew"
    retries = True
    destinations: frozenset[str] = frozenset()

    def __init__(self, settings: ReadSettings) -> None:
        self._settings = settings

    def find(self, person: Person) -> int:
        """One line or none."""
        return int(identity(self._settings).holds(person.pseudonym))

    def erase(self, person: Person, note: Note) -> int:  # noqa: ARG002 - protocol
        """Delete the line."""
        return identity(self._settings).forget_pseudonym(person.pseudonym)

    def verify(self, person: Person, note: Note) -> Verdict:  # noqa: ARG002 - protocol
        """Look through the bytes of the file."""
        return _by_bytes(sorted(self._settings.home.glob(f"{INDEX_FILE}*")), person)

    def owns(self, path: Path) -> bool:
        """The index and the key."""
        return path.name.startswith((INDEX_FILE, KEY_FILE, f".{KEY_FILE}"))


class OtherFilesSource:
    """Any other file in the home folder, and what `SYNDARIX_OBS_READ_OTHER_FILES` names: nothing of ours should hold a
    person there, and so it is looked through."""

    name = "other files"
    holds = (
        "nothing of ours: log files, notes or recordings that somebody put there, the file of budgets, "
        "and what `SYNDARIX_OBS_READ_OTHER_FILES` names"
    )
    kept = "unknown"
    method = "not changed: a file that holds the person is named, for you to delete"
    retries = True
    destinations: frozenset[str] = frozenset()

    def __init__(self, home: Path, owned: Sequence[EraseSource], also: Sequence[Path] = ()) -> None:
        self._home = home
        self._also = also
        self._owned = owned

    def find(self, person: Person) -> int:
        """Files that hold the person."""
        return len(scan(self._files(), person.needles).hits)

    def erase(self, person: Person, note: Note) -> int:  # noqa: ARG002 - protocol
        """Nothing: what is not ours is not deleted by us."""
        return 0

    def verify(self, person: Person, note: Note) -> Verdict:  # noqa: ARG002 - protocol
        """Name the files that hold the person."""
        found = scan(self._files(), person.needles)
        names = ", ".join(found.hits)
        why = f"delete {names}, or take the person out, then run this again" if names else ""
        return Verdict(not names and not found.unread, found.words(), len(found.hits), why)

    def owns(self, path: Path) -> bool:
        """What no other place owns, and what is no proof of an erasure."""
        return path.parent.name != FOLDER and not any(each.owns(path) for each in self._owned)

    def _files(self) -> list[Path]:
        at_home = [path for path in sorted(self._home.rglob("*")) if path.is_file() and self.owns(path)]
        return [*at_home, *(path for path in self._also if path.exists())]


def _by_bytes(paths: list[Path], person: Person) -> Verdict:
    found = scan(paths, person.needles)
    left = sum(found.hits.values())
    return Verdict(not left and not found.unread, found.words(), left)
