"""Bearer tokens from a file: one a line, read anew when the file changes, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Final

from mcp.server.auth.provider import AccessToken

from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.tools.meters import Meters

SHORTEST: Final = 16
"""Characters of the shortest token that is taken."""


class TokenFile:
    """Knows the tokens. Fulfils the SDK's `TokenVerifier`.

    Args:
        path: the file; empty lines and lines that begin with `#` are comments.
        meters: where refusals count.

    Raises:
        SettingsError: the file cannot be read, holds no token, or one that is too short.
    """

    def __init__(self, path: Path, meters: Meters) -> None:
        self._path = path
        self._meters = meters
        self._stamp: tuple[int, int, int] | None = None
        self._digests: tuple[bytes, ...] = ()
        self._refresh()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who the token belongs to, None when nobody: a file that became unreadable lets nobody in."""
        try:
            self._refresh()
        except SettingsError:
            self._stamp, self._digests = None, ()
        given = _digest(token)
        # Every token is compared, whether or not one fitted already.
        fits = [hmac.compare_digest(given, known) for known in self._digests]
        if not any(fits):
            self._meters.refused("token")
            return None
        return AccessToken(token=token, client_id=given.hex()[:12], scopes=[])

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
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
        self._stamp, self._digests = stamp, tuple(map(_digest, tokens))


def _digest(token: str) -> bytes:
    """Of equal length for every token, so that comparing tells nothing about lengths."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
