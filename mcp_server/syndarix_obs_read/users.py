"""Users are stored under pseudonyms; people ask by the raw id. Both are understood."""

from __future__ import annotations

import re
from typing import Final

from syndarix_obs.identity import Identity
from syndarix_obs_read.settings import ReadSettings

_PSEUDONYM: Final = re.compile(r"u_[0-9a-f]{16}", re.ASCII)


def identity(settings: ReadSettings) -> Identity:
    """Who makes pseudonyms for the agents that share the settings' folder or key file."""
    file = settings.user_key_file
    return Identity(settings.home, None if file is None else file.read_bytes().strip())


def pseudonym_of(settings: ReadSettings, user: str) -> str:
    """The pseudonym that a user's records carry.

    Args:
        user: a pseudonym as the answers show it, or the raw id that the agent was given.

    Without the key (another machine's data) a raw id cannot be found, and is returned as it is. Nothing is written.
    """
    if _PSEUDONYM.fullmatch(user):
        return user
    return identity(settings).lookup(user) or user
