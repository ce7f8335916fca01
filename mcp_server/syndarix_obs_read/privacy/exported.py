"""Exports that were made with this home folder: copies that lie wherever somebody put them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from syndarix_obs.records.anonymous import anonymous_line
from syndarix_obs.store.tombstones import FOLDER
from syndarix_obs_read.export.register import exports, files_with, shared_with
from syndarix_obs_read.export.run import MANIFEST
from syndarix_obs_read.privacy.places import Note, Person, Verdict
from syndarix_obs_read.privacy.scan import scan

_BY_LINE: Final = ".jsonl"
_OTLP: Final = ".otlp.jsonl"


class ExportsSource:
    """Folders of exports, where they still are."""

    name = "exports"
    holds = "copies of records, ledger and decisions; a person's own data; reports and converted runs"
    kept = "until somebody deletes them"
    method = (
        "JSON lines lose the person and the manifest is sealed anew; other files with the person, and sets to share "
        "that the person is in under another name, are deleted"
    )
    retries = True
    destinations: frozenset[str] = frozenset()

    def __init__(self, home: Path) -> None:
        self._home = home

    def find(self, person: Person) -> int:
        """Files that hold the person."""
        return len(self._hits(person))

    def erase(self, person: Person, note: Note) -> int:
        """Change or delete each file that holds the person."""
        hits, shared = self._hits(person), shared_with(self._home, person.pseudonym)
        for each in hits:
            path = Path(each)
            if path.name.endswith(_BY_LINE) and not path.name.endswith(_OTLP) and path.parent not in shared:
                _anonymise_lines(path, person)
            else:
                path.unlink(missing_ok=True)
            _seal_again(path)
        note["moved"] = [str(folder) for folder in exports(self._home) if not folder.exists()]
        return len(hits)

    def verify(self, person: Person, note: Note) -> Verdict:
        """Look through the bytes of all folders; say which are no longer where they were made."""
        found = scan(self._folders(), person.needles)
        left = sum(found.hits.values()) + len(files_with(self._home, person.traces)) + len(self._shared(person))
        moved = note.get("moved") or []
        words = found.words() + (f"; moved or deleted since: {', '.join(moved)}" if moved else "")
        return Verdict(not left and not found.unread, words, left)

    def owns(self, path: Path) -> bool:
        """Exports that were made within the home folder."""
        return any(folder == path or folder in path.parents for folder in exports(self._home))

    def _hits(self, person: Person) -> list[str]:
        """Files with the person in their bytes, and reports that show one of the person's traces."""
        found = scan(self._folders(), person.needles).hits
        others = (*files_with(self._home, person.traces), *self._shared(person))
        return list(dict.fromkeys((*found, *map(str, others))))

    def _shared(self, person: Person) -> list[Path]:
        """Files of sets to share with the person in them: which rows those are cannot be told any more."""
        folders = shared_with(self._home, person.pseudonym)
        files = (path for each in folders for path in sorted(each.rglob("*")))
        return [path for path in files if path.is_file() and path.name != MANIFEST]

    def _folders(self) -> list[Path]:
        return [place for place in exports(self._home) if place.exists() and place.name != FOLDER]


class ReplaysSource:
    """Replays of sessions that were saved at home: each holds a session's messages and results whole."""

    name = "replays"
    holds = "messages, tool arguments and results of one session each"
    kept = "until somebody deletes them"
    method = "files of the person's sessions are deleted"
    retries = True
    destinations: frozenset[str] = frozenset()

    def __init__(self, home: Path) -> None:
        self._folder = home / "replays"

    def find(self, person: Person) -> int:
        """Files of the person."""
        return len(self._files(person))

    def erase(self, person: Person, note: Note) -> int:  # noqa: ARG002 - protocol
        """Delete them."""
        files = self._files(person)
        for path in files:
            path.unlink(missing_ok=True)
        return len(files)

    def verify(self, person: Person, note: Note) -> Verdict:  # noqa: ARG002 - protocol
        """Look through the names and the bytes of all."""
        found = scan([self._folder], self._needles(person))
        left = len(self._files(person))
        return Verdict(not left and not found.unread, found.words(), left)

    def owns(self, path: Path) -> bool:
        """Everything in the folder `replays`."""
        return self._folder in path.parents

    def _files(self, person: Person) -> list[Path]:
        hits = scan([self._folder], self._needles(person)).hits
        named = {*person.sessions, *person.traces}
        return [path for path in sorted(self._folder.glob("*")) if str(path) in hits or path.stem in named]

    def _needles(self, person: Person) -> list[bytes]:
        return [*person.needles, *(each.encode() for each in person.traces)]


def _anonymise_lines(path: Path, person: Person) -> None:
    draft = path.with_suffix(".draft")
    with path.open("rb") as old, draft.open("wb") as new:
        sought = (*person.needles, *(each.encode() for each in person.traces))
        for line in old:
            new.write(_anonymous(line) if any(needle in line for needle in sought) else line)
    draft.replace(path)


def _anonymous(line: bytes) -> bytes:
    try:
        return json.dumps(anonymous_line(json.loads(line)), ensure_ascii=False).encode() + b"\n"
    except ValueError:  # the torn end of an export that was killed
        return b""


def _seal_again(path: Path) -> None:
    manifest = path.parent / MANIFEST
    if not manifest.exists() or path == manifest:
        return
    found = json.loads(manifest.read_text("utf-8"))
    for part in found["files"]:
        if part["name"] != path.name:
            continue
        if not path.exists():
            part.update(rows=0, bytes=0, sha256=None, changed="deleted by an erasure")
            continue
        data = path.read_bytes()
        part.update(
            rows=data.count(b"\n"), bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), changed="by an erasure"
        )
    found["rows"] = sum(part["rows"] for part in found["files"])
    manifest.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")
