"""Memory of short attribute values that were found clean: most come again with every span."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LONGEST = 64
_MOST = 8192
_LARGEST_PLAIN_NUMBER = 10**8
"""Below this a number is too short for a card, an account or a phone."""
_NAME = "\x00name"


class CleanTexts:
    """Remembers pairs of key and value, a bounded number of them; forgets all when it is full."""

    def __init__(self) -> None:
        self._pairs: set[tuple[Any, ...]] = set()
        self._keys: set[str] = set()

    def unknown(self, name: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """What of a span has to be looked at: its name under a key of its own, and attributes not seen clean yet."""
        pairs, keys = self._pairs, self._keys
        found: dict[str, Any] = {} if (_NAME, name) in pairs else {_NAME: name}
        for key, value in attributes.items():
            kind = type(value)
            if kind is str:
                known = (key, value) in pairs
            elif kind is int or kind is float:
                known = key in keys and -_LARGEST_PLAIN_NUMBER < value < _LARGEST_PLAIN_NUMBER
            elif kind is bool:
                known = key in keys
            else:
                known = _texts_only(value) and (key, *value) in pairs
            if not known:
                found[key] = value
        return found

    def remember(self, clean: Mapping[str, Any]) -> None:
        """These were looked at and nothing had to be masked."""
        if len(self._pairs) > _MOST or len(self._keys) > _MOST:
            self._pairs.clear()
            self._keys.clear()
        for key, value in clean.items():
            if type(value) is str:
                if len(value) <= _LONGEST:
                    self._pairs.add((key, value))
            elif isinstance(value, (bool, int, float)):
                self._keys.add(key)
            elif _texts_only(value) and sum(map(len, value)) <= _LONGEST:
                self._pairs.add((key, *value))


def _texts_only(value: Any) -> bool:
    return type(value) in (list, tuple) and all(type(item) is str for item in value)
