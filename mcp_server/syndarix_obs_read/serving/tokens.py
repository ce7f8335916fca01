"""Bearer tokens from a file, with role and name: one a line, read anew when it changes, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path
from typing import Final

from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.serving.access_rules import Refusals
from syndarix_obs_read.serving.roles import ROLES, Reader, Role

SHORTEST: Final = 16
"""Characters of the shortest token that is taken."""
_SECRETS: Final = Path("/run/secrets")
"""Container runtimes put secrets there, readable by all in a container that nobody else is in."""


class Tokens:
    """Knows the tokens.

    Args:
        path: the file; a line is `ROLE NAME TOKEN`, `ROLE TOKEN`, or a token alone, which is an operator's. Empty lines
            and lines that begin with `#` are comments.
        refusals: where refusals count.

    Raises:
        SettingsError: the file cannot be read, or by everybody, holds no token, one that is too short, or a role that
            does not exist.
    """

    def __init__(self, path: Path, refusals: Refusals) -> None:
        self._path = path
        self._refusals = refusals
        self._stamp: tuple[int, int, int] | None = None
        self._owners: tuple[tuple[bytes, Reader], ...] = ()
        self._refresh()

    def knows(self, token: str) -> bool:
        """Whether the token is in the file."""
        return self.owner(token) is not None

    def owner(self, token: str) -> Reader | None:
        """Who has the token, None when nobody: a file that became unreadable lets nobody in."""
        try:
            self._refresh()
        except SettingsError:
            self._stamp, self._owners = None, ()
        given = digest(token)
        # Every token is compared, whether or not one fitted already.
        fits = [reader for known, reader in self._owners if hmac.compare_digest(given, known)]
        if not fits:
            self._refusals.refused("token")
        return fits[0] if fits else None

    def may_send(self, token: str) -> bool:
        """Whether telemetry that comes with the token is taken."""
        found = self.owner(token)
        return found is not None and found.may_change

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
            if stat.st_mode & 0o004 and os.name == "posix" and _SECRETS not in self._path.parents:
                raise SettingsError(f"{self._path} can be read by every user of this machine: `chmod 600 {self._path}`")
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if stamp == self._stamp:
                return
            lines = self._path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"cannot read the tokens in {self._path}: {error}") from None
        told = [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        owners = tuple(self._owner(words) for words in told)
        if not owners:
            raise SettingsError(f"{self._path} holds no token; make one with `openssl rand -hex 32 > {self._path}`")
        self._stamp, self._owners = stamp, owners

    def _owner(self, words: list[str]) -> tuple[bytes, Reader]:
        *before, token = words
        if len(before) > 2 or (before and before[0] not in ROLES):
            raise SettingsError(
                f"{self._path} holds a line that is no token; a line is ROLE NAME TOKEN with one of the roles "
                f"{', '.join(ROLES)}, for example `read-only dashboards $(openssl rand -hex 32)`"
            )
        if len(token) < SHORTEST:
            raise SettingsError(f"{self._path} holds a token of fewer than {SHORTEST} characters; take a longer one")
        role: Role = next((each for each in ROLES if before[:1] == [each]), "operator")
        return digest(token), Reader(before[1] if len(before) == 2 else digest(token).hex()[:12], role)


def digest(token: str) -> bytes:
    """Of equal length for every token, so that comparing tells nothing about lengths."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
