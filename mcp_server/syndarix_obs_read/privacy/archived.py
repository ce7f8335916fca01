"""Archived days: Parquet files in a folder or in object storage."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from syndarix_obs.store.erase import erase_person
from syndarix_obs_read.archive import parts, restore
from syndarix_obs_read.archive import tables as t
from syndarix_obs_read.archive.backend import clear_left_over
from syndarix_obs_read.archive.known import FOLDER, known_archives
from syndarix_obs_read.archive.move import WORK, alone, drop_unsealed, store
from syndarix_obs_read.archive.seals import Part, Seals
from syndarix_obs_read.privacy.places import Note, Person, Verdict
from syndarix_obs_read.privacy.scan import scan
from syndarix_obs_read.settings import ReadSettings

_AT_ONCE: Final = 32
"""Files of a remote archive that are copied here together to be searched."""


class ArchiveSource:
    """Every archive that days of this home folder were moved to."""

    name = "archive"
    holds = "records, payloads, sessions and, where it was asked for, the ledger of finished days"
    kept = "`SYNDARIX_OBS_READ_ARCHIVE_DAYS`; without end unless it is set"
    method = "rows lose the person as in the store, each file that held one is written anew, and the day sealed anew"
    retries = True
    destinations: frozenset[str] = frozenset()

    def __init__(self, settings: ReadSettings) -> None:
        self._settings = settings

    def find(self, person: Person) -> int:
        """Rows of the person."""
        return sum(_rows_of(seals, part, person) for seals, _, part in self._parts())

    def erase(self, person: Person, note: Note) -> int:
        """Write each file that holds the person anew, without."""
        if self._is_unused():
            return 0
        count, done = 0, note.setdefault("done", {})
        with alone(self._settings.home):
            clear_left_over(self._settings.home)
            for seals in known_archives(self._settings):
                drop_unsealed(seals)
                for day in seals.days():
                    count += self._erase_day(seals, day, person, done)
        return count

    def verify(self, person: Person, note: Note) -> Verdict:  # noqa: ARG002 - protocol
        """Look through the bytes of all files, and of whatever lies beside them in a folder."""
        if self._is_unused():
            return Verdict(True, "nothing was ever archived")
        local = [seals.place.path("") for seals in known_archives(self._settings) if seals.place.is_local]
        found = [scan([*local, self._settings.home / WORK], person.needles)]
        remote_parts = [(seals, part) for seals, _, part in self._parts() if not seals.place.is_local]
        for start in range(0, len(remote_parts), _AT_ONCE):
            with contextlib.ExitStack() as stack:
                some = remote_parts[start : start + _AT_ONCE]
                paths = [stack.enter_context(seals.place.local(part.name)) for seals, part in some]
                found.append(scan(paths, person.needles))
        left = sum(sum(each.hits.values()) for each in found)
        unread = [each for scanned in found for each in scanned.unread]
        words = f"bytes of {sum(e.files for e in found)} files, {sum(e.raw for e in found):,}, and "
        words += f"{sum(e.unpacked for e in found):,} after decompression" + "".join(f"; not read: {e}" for e in unread)
        remote = [seals.place.address for seals in known_archives(self._settings) if not seals.place.is_local]
        if remote:
            words += f"; older versions that {', '.join(remote)} may keep by itself were not looked at"
        missing = [day for seals in known_archives(self._settings) for day in seals.missing()]
        if missing:
            words += f"; {len(missing)} sealed days are no longer there, from {missing[0]} to {missing[-1]}"
        return Verdict(not left and not unread, words, left)

    def owns(self, path: Path) -> bool:
        """The folder of work, and archives within the home folder."""
        home = self._settings.home
        local = [seals.place.path("") for seals in known_archives(self._settings) if seals.place.is_local]
        return any(folder in path.parents for folder in (home / WORK, home / FOLDER, *local))

    def _is_unused(self) -> bool:
        return not known_archives(self._settings) and not (self._settings.home / WORK).exists()

    def _parts(self) -> Iterator[tuple[Seals, int, Part]]:
        for seals in known_archives(self._settings):
            for day in seals.days():
                for part in seals.parts(day):
                    yield seals, day, part

    def _erase_day(self, seals: Seals, day: int, person: Person, done: dict[str, str]) -> int:
        """Killed at any point, the next run goes on: a new file counts once it is sealed, and then the old one goes."""
        known, count = seals.parts(day), 0
        changed: dict[str, Part] = {}
        for part in known:
            rows = 0 if part.sha256 == done.get(part.name) else _rows_of(seals, part, person, person.traces)
            if rows:
                count += rows
                changed[part.name] = new = self._without(seals, part, person, day)
                done[new.name] = new.sha256
        if changed:
            seals.save(day, [changed.get(part.name, part) for part in known])
        for name in changed:
            seals.place.delete(name)
        return count

    def _without(self, seals: Seals, part: Part, person: Person, day: int) -> Part:
        table = t.table_of(part.table)
        stem, _, revision = part.name.removesuffix(".parquet").partition(".")
        name = f"{stem}.{int(revision or 0) + 1}.parquet"
        with restore.opened_scratch(self._settings.home) as connection:
            restore.put_back_part(connection, seals, part)
            erase_person(connection, person.pseudonym, person.traces)
            return store(seals.place, table, name, t.rows_of(connection, table, day), part.rows)


def people(settings: ReadSettings, pseudonym: str) -> Person:
    """What the archives know of a person: sessions, traces that are nobody else's, and the first time."""
    sessions: set[str] = set()
    mine: set[str] = set()
    others: set[str] = set()
    loose: dict[str, set[str]] = {}
    shared: set[str] = set()
    first = 0
    for seals in known_archives(settings):
        for day in seals.days():
            for part in seals.parts(day):
                with seals.place.local(part.name) as path:
                    time = t.table_of(part.table).time
                    for user, session, trace, at in parts.column(path, "user", "session_id", "trace_id", time):
                        if user == pseudonym:
                            mine.add(trace)
                            sessions |= {session} - {None, trace}
                            first = min(first or at, at)
                        elif user is not None:
                            others.add(trace)
                            shared.add(session)
                        elif session is not None:
                            loose.setdefault(session, set()).add(trace)
    sessions -= shared
    for name in sessions:  # notes on them that name no user
        mine |= loose.get(name, set())
    return Person(pseudonym, tuple(sorted(sessions)), tuple(sorted(mine - others)), first)


def _rows_of(seals: Seals, part: Part, person: Person, traces: Collection[str] = ()) -> int:
    """Rows of the person, and those of their traces that name nobody."""
    also = set(traces)
    with seals.place.local(part.name) as path:
        rows = parts.column(path, "user", "trace_id")
        return sum(user == person.pseudonym or (user is None and trace in also) for user, trace in rows)
