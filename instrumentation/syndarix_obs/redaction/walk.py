"""One pass over a JSON document: sensitive keys first, then all strings together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from syndarix_obs.redaction.catalogue import KEYS
from syndarix_obs.redaction.pattern import give_way

if TYPE_CHECKING:
    from syndarix_obs.redaction.engine import Engine

_LONG_NUMBER = 10**11
"""From here on a whole number may be a card number."""
_OFTEN = 2_048


class Walk:
    """Gathers the strings of a document, has them masked, and puts them back.

    Args:
        engine: does the masking.
        wanted: the patterns that could match.
        counts: gets the number of masked places by name.
    """

    def __init__(self, engine: Engine, wanted: frozenset[int], counts: Counter[str]) -> None:
        self._engine = engine
        self._wanted = wanted
        self._counts = counts
        self._dicts: list[dict[str, Any]] = []
        self._texts: list[str] = []
        self._places: list[tuple[Any, Any]] = []

    def run(self, document: Any) -> Any:
        """Change the document in place and return it."""
        root = [document]
        self._gather(root)
        masked = self._engine.strings(self._texts, self._wanted, self._counts)
        for (container, place), before, after in zip(self._places, self._texts, masked, strict=True):
            if after != before:
                container[place] = after
        self._rename_keys()
        return root[0]

    def _gather(self, root: list[Any]) -> None:
        pending: list[Any] = [root]
        keys = bool(self._wanted & KEYS) or self._engine.has_custom
        while pending:
            container = pending.pop()
            if type(container) is dict:
                self._dicts.append(container)
                if keys:
                    self._mask_sensitive(container)
            items = container.items() if type(container) is dict else enumerate(container)
            for place, value in items:
                kind = type(value)
                if kind is str:
                    self._texts.append(value)
                    self._places.append((container, place))
                elif kind is dict or kind is list:
                    pending.append(value)
                elif kind is int and value >= _LONG_NUMBER:
                    self._texts.append(str(value))
                    self._places.append((container, place))
            if not len(self._dicts) % _OFTEN:
                give_way()

    def _mask_sensitive(self, container: dict[str, Any]) -> None:
        for key, value in container.items():
            kind = self._engine.keys.masks(key, value)
            if kind is not None:
                container[key] = f"[REDACTED:{kind}]"
                self._counts[kind] += 1

    def _rename_keys(self) -> None:
        """Keys carry values too (`{"bob@example.com": …}`); two that become equal are told apart by a number."""
        names = list({key for container in self._dicts for key in container})
        renamed = dict(zip(names, self._engine.strings(names, self._wanted, self._counts), strict=True))
        if all(old == new for old, new in renamed.items()):
            return
        for container in self._dicts:
            items = list(container.items())
            container.clear()
            for key, value in items:
                container[_free_name(container, renamed[key])] = value


def _free_name(container: Mapping[str, Any], name: str) -> str:
    if name not in container:
        return name
    number = 2
    while f"{name} {number}" in container:
        number += 1
    return f"{name} {number}"
