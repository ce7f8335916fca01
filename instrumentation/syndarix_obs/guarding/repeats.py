"""Equal calls of one tool in a session, counted before they are made: the loop that costs."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from typing import Any, Final

_MOST_SESSIONS: Final = 10_000


class Repeats:
    """Counts calls by budget, session, tool and arguments, in this process."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, dict[bytes, int]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, session: str, budget: str, tool: str, arguments: Any, limit: int) -> int:
        """How often this call has been made with this one; one over the limit is not counted, as it is not made."""
        key = _key(budget, tool, arguments)
        with self._lock:
            calls = self._sessions.get(session)
            if calls is None:
                calls = self._sessions[session] = {}
                if len(self._sessions) > _MOST_SESSIONS:
                    self._sessions.popitem(last=False)
            found = calls.get(key, 0) + 1
            if found <= limit:
                calls[key] = found
            return found


def _key(budget: str, tool: str, arguments: Any) -> bytes:
    try:
        text = json.dumps(arguments, sort_keys=True, default=repr)
    except Exception:  # noqa: BLE001 - the caller's object may raise anything; such a call equals only itself
        text = f"{type(arguments).__name__}:{id(arguments)}"
    return hashlib.blake2b(f"{budget}\0{tool}\0{text}".encode("utf-8", "replace"), digest_size=16).digest()
