"""Bearer tokens from a file: one a line, read anew when the file changes, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path
from typing import Final

from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.serving.access_rules import Refusals

SHORTEST: Final = 16
"""Characters of the shortest token that is taken."""
_SECRETS: Final = Path("/run/secrets")
"""Container runtimes put secrets there, readable by all in a container that nobody else is in."""


class Tokens:
    """Knows the tokens.

    Args:
        path: the file; empty lines and lines that begin with `#` are comments.
        refusals: where refusals count.

    Raises:
        SettingsError: the file cannot be read, or by everybody, holds no token, or one that is too short.
    """

    def __init__(self, path: Path, refusals: Refusals) -> None:
        self._path = path
        self._refusals = refusals
        self._stamp: tuple[int, int, int] | None = None
        self._digests: tuple[bytes, ...] = ()
        self._refresh()

    def knows(self, token: str) -> bool:
        """Whether the token is in the file: one that became unreadable lets nobody in."""
        try:
            self._refresh()
        except SettingsError:
            self._stamp, self._digests = None, ()
        given = digest(token)
        # Every token is compared, whether or not one fitted already.
        fits = [hmac.compare_digest(given, known) for known in self._digests]
        if not any(fits):
            self._refusals.refused("token")
        return any(fits)

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
        tokens = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        if not tokens:
            raise SettingsError(f"{self._path} holds no token; make one with `openssl rand -hex 32 > {self._path}`")
        if any(len(token) < SHORTEST for token in tokens):
            raise SettingsError(f"{self._path} holds a token of fewer than {SHORTEST} characters; take a longer one")
        self._stamp, self._digests = stamp, tuple(map(digest, tokens))


def digest(token: str) -> bytes:
    """Of equal length for every token, so that comparing tells nothing about lengths."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
