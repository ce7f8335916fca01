"""A change is asked for twice: the first call says what it would do and gives a word, the second brings that word.

A model that was talked into one call by a text it read has told its user by then. The word is bound to the arguments
and to this process, and lasts five minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field

from syndarix_obs_read.errors import FilterError

LASTS_S: Final = 300
_SECRET: Final = secrets.token_bytes(32)

Confirm = Annotated[
    str | None,
    Field(max_length=64, description="Leave out at first: the answer says what would happen and gives this word."),
]
ASK: Final = (
    "nothing has happened yet: show this to the user, and when they agree call again with the same arguments and "
    "confirm={word} within five minutes"
)


def word_for(arguments: Mapping[str, Any], now: float | None = None) -> str:
    """The word for a call with these arguments, from now on for `LASTS_S` seconds. `now` is for tests."""
    ends = int((time.time() if now is None else now) + LASTS_S)
    return f"{ends:x}-{_mark(ends, arguments)}"


def check(word: str, arguments: Mapping[str, Any], now: float | None = None) -> None:
    """Whether the word was given for exactly this call.

    Raises:
        FilterError: it is too old, of another server, or of another call.
    """
    ends, _, mark = word.partition("-")
    try:
        until = int(ends, 16)
    except ValueError:
        until = 0
    if not hmac.compare_digest(mark.encode(), _mark(until, arguments).encode()):
        raise FilterError("confirm does not belong to this call; leave it out once more to get the word for it")
    if (time.time() if now is None else now) > until:
        raise FilterError("confirm is older than five minutes; leave it out once more to get a new word")


def _mark(ends: int, arguments: Mapping[str, Any]) -> str:
    text = json.dumps([ends, arguments], sort_keys=True, ensure_ascii=True, default=str)
    return hmac.new(_SECRET, text.encode(), hashlib.sha256).hexdigest()[:20]
