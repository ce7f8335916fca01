"""The token of forms: only a page that this server gave away knows it, so no other site can send a form in its name.

It needs no memory and no cookie: a time and its keyed hash, under a key that lives as long as the server.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from typing import Final

FIELD: Final = "form_token"
"""Name of the field that carries it."""
HEADER: Final = "x-form-token"
"""Header that programs may send it in."""
LASTS_S: Final = 12 * 3_600
"""Seconds that a page may stay open before its forms are refused."""
_FORM: Final = re.compile(r"(\d{1,12})\.([0-9a-f]{64})", re.ASCII)


class FormTokens:
    """Makes tokens and knows them again.

    Args:
        clock: seconds since the epoch, for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._key = secrets.token_bytes(32)
        self._clock = clock

    def make(self) -> str:
        """A token of this moment."""
        return self._signed(int(self._clock()))

    def fits(self, token: str) -> bool:
        """Whether this server made it, not too long ago."""
        match = _FORM.fullmatch(token)
        if match is None or not hmac.compare_digest(token, self._signed(int(match[1]))):
            return False
        return 0 <= self._clock() - int(match[1]) + 1 <= LASTS_S

    def _signed(self, moment: int) -> str:
        return f"{moment}.{hmac.new(self._key, str(moment).encode(), hashlib.sha256).hexdigest()}"
