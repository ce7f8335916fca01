"""The keys of users' contents: with its key gone, what somebody said is unreadable wherever it still lies."""

from __future__ import annotations

from pathlib import Path

from syndarix_obs.encryption import KEY_FILE
from syndarix_obs.encryption.key_file import PayloadKeys
from syndarix_obs_read.privacy.places import Note, Person, Verdict
from syndarix_obs_read.privacy.scan import scan


class PayloadKeysSource:
    """The file of keys, where `payload_keys` was ever on."""

    name = "payload keys"
    holds = "the pseudonym and the key of that user's texts, with `payload_keys`; no text"
    kept = "until the user is erased"
    method = "the key goes and the file is written anew: encrypted texts cannot be read any more, in no copy of them"
    retries = True
    destinations: frozenset[str] = frozenset()

    def __init__(self, home: Path) -> None:
        self._home = home

    def find(self, person: Person) -> int:
        """One key or none."""
        return int(PayloadKeys(self._home).holds(person.pseudonym))

    def erase(self, person: Person, note: Note) -> int:  # noqa: ARG002 - protocol
        """Delete the key."""
        return PayloadKeys(self._home).forget(person.pseudonym)

    def verify(self, person: Person, note: Note) -> Verdict:  # noqa: ARG002 - protocol
        """Look through the bytes of the file."""
        found = scan(sorted(self._home.glob(f"{KEY_FILE}*")), person.needles)
        left = sum(found.hits.values())
        return Verdict(not left and not found.unread, found.words(), left)

    def owns(self, path: Path) -> bool:
        """The file, and what SQLite keeps beside it."""
        return path.name.startswith((KEY_FILE, f".{KEY_FILE}"))
