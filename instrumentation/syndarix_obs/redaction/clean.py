"""Memory of short attribute values that were found clean: most come again with every span."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v

_LONGEST = 64
_MOST = 8192
_LARGEST_PLAIN_NUMBER = 10**8
"""Below this a number is too short for a card, an account or a phone."""
_NAME = "\x00name"
_IDS: Final = frozenset({v.DECISION_ID, v.DECISION_OF, v.ANNOTATION_TARGET, v.SET_ASIDE_BY})
"""Ids that this platform makes, new with every span: as random text they cost the gate more than all the rest."""
_ID: Final = re.compile(r"(?=[0-9]{0,31}[a-f])[0-9a-f]{16}(?:[0-9a-f]{16})?")
"""A span's or a decision's id. One of digits only may be somebody's card and is looked at."""
_GIVEN_IDS: Final = frozenset({v.GEN_AI_RESPONSE_ID, v.GEN_AI_TOOL_CALL_ID})
_GIVEN_ID: Final = re.compile(
    r"(?=[a-z]{1,8}[-_][A-Z0-9]{0,63}[a-z])(?:chatcmpl-[A-Za-z0-9]{20,40}|(?:call|toolu|msg)_[A-Za-z0-9]{20,32}"
    r"|resp_[0-9a-f]{48,64})"
)
"""An id as providers make them. One of capital letters and digits only may be a key of a cloud and is looked at."""


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
                known = (key, value) in pairs or _is_id(key, value)
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


def _is_id(key: str, value: str) -> bool:
    shape = _ID if key in _IDS else _GIVEN_ID if key in _GIVEN_IDS else None
    return shape is not None and shape.fullmatch(value) is not None


def _texts_only(value: Any) -> bool:
    return type(value) in (list, tuple) and all(type(item) is str for item in value)
