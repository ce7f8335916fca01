"""Applies the patterns: to one string, or to all strings of a JSON document in one pass."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from syndarix_obs.guard import record_failure
from syndarix_obs.redaction.fast import Gates
from syndarix_obs.redaction.keys import SensitiveKeys, harmless, quoted_values
from syndarix_obs.redaction.personal import PERSONAL
from syndarix_obs.redaction.secrets import SECRETS
from syndarix_obs.redaction.spans import GROUPS, KEY_GROUPS, Group

_JOINT = "\x00"
_LONG_NUMBER = 10**12
"""From here on a whole number may be a card number."""


def marker(name: str) -> str:
    """What stands in the place of a masked text."""
    return f"[REDACTED:{name}]"


class Engine:
    """Patterns, sensitive keys and the caller's own rules, ready to use.

    Args:
        personal: mask personal data as well as secrets.
        own: name → regular expression of the caller's own patterns, always applied.
        custom: the caller's function over every string, called before the patterns; when it raises, the whole
            string is masked.
        accelerated: ask google-re2 what could match, where it is installed.
    """

    def __init__(
        self,
        *,
        personal: bool,
        own: Mapping[str, str],
        custom: Callable[[str], str] | None,
        accelerated: bool = True,
    ) -> None:
        self._patterns = (*SECRETS, *(PERSONAL if personal else ()))
        self._own = tuple((name, matches_own(regex)) for name, regex in own.items())
        self._custom = custom
        self.keys = SensitiveKeys(personal=personal)
        self.gate = Gates(personal=personal, accelerated=accelerated)
        self.always = bool(own) or custom is not None
        self.has_custom = custom is not None

    def hits(self, text: str) -> set[Group]:
        """Groups that could match in a text without lone surrogates."""
        return self.gate.hits(text.encode())

    def mask(self, text: str, groups: Iterable[Group], counts: Counter[str]) -> str:
        """The text with everything masked that a pattern of these groups, or one of the caller's, finds."""
        wanted = set(groups)
        if wanted & KEY_GROUPS:
            text = _replace_typed(text, list(quoted_values(self.keys, text)), counts)
        for pattern in self._patterns:
            if pattern.group in wanted:
                text = _replace(text, pattern.find(text), pattern.name, counts)
        for name, find in self._own:
            text = _replace(text, find(text), name, counts)
        return text

    def one(self, text: str, counts: Counter[str]) -> str:
        """One string, all the way."""
        if self._custom is not None:
            text = self._through_custom(self._custom, text, counts)
        groups = self.hits(text)
        return self.mask(text, groups, counts) if groups or self._own else text

    def document(self, document: Any, groups: set[Group], counts: Counter[str]) -> Any:
        """A JSON document, changed in place and returned; a bare string or number comes back masked.

        Args:
            document: dicts, lists, strings and numbers as `json.loads` makes them.
            groups: what the gate reported for its JSON text.
            counts: gets the number of masked places by name.
        """
        return _Walk(self, groups, counts).run(document)

    def strings(self, texts: list[str], groups: set[Group], counts: Counter[str]) -> list[str]:
        """Many strings in one pass of each pattern: joined by a character that no pattern matches."""
        if self._custom is not None:
            texts = [self._through_custom(self._custom, text, counts) for text in texts]
            groups = set(GROUPS)
        if self._own or any(_JOINT in text for text in texts):
            return [self.mask(text, groups, counts) for text in texts]
        masked = self.mask(_JOINT.join(texts), groups, counts).split(_JOINT)
        return masked if len(masked) == len(texts) else [self.mask(text, groups, counts) for text in texts]

    def _through_custom(self, custom: Callable[[str], str], text: str, counts: Counter[str]) -> str:
        try:
            result = custom(text)
            if type(result) is str:
                result.encode()
                counts["custom"] += result != text
                return result
            raise TypeError("a redaction function must return a str")
        except Exception as error:  # noqa: BLE001 - the caller's code; whatever it raises, the string must not leak
            record_failure("redact_custom", error)
        counts["custom"] += 1
        return marker("custom")


def matches_own(regex: str) -> Callable[[str], Iterable[tuple[int, int]]]:
    """A finder for a caller's pattern; an empty match masks nothing."""
    compiled = re.compile(regex)
    return lambda text: (match.span() for match in compiled.finditer(text) if match.end() > match.start())


def _replace(text: str, spans: Iterable[tuple[int, int]], name: str, counts: Counter[str]) -> str:
    return _replace_typed(text, [(start, end, name) for start, end in spans], counts)


def _replace_typed(text: str, spans: list[tuple[int, int, str]], counts: Counter[str]) -> str:
    if not spans:
        return text
    pieces: list[str] = []
    last = 0
    for start, end, name in spans:
        if start < last:
            continue
        pieces += (text[last:start], marker(name))
        counts[name] += 1
        last = end
    pieces.append(text[last:])
    return "".join(pieces)


class _Walk:
    """One pass over a document: gathers its strings, masks them together, and puts them back."""

    def __init__(self, engine: Engine, groups: set[Group], counts: Counter[str]) -> None:
        self._engine = engine
        self._groups = groups
        self._counts = counts
        self._texts: list[str] = []
        self._places: list[tuple[Any, Any]] = []
        self._dicts: list[dict[str, Any]] = []

    def run(self, document: Any) -> Any:
        root = [document]
        self._gather(root)
        masked = self._engine.strings(self._texts, self._groups, self._counts)
        for (container, place), before, after in zip(self._places, self._texts, masked, strict=True):
            if after != before:
                container[place] = after
        self._rename_keys()
        return root[0]

    def _gather(self, root: list[Any]) -> None:
        pending: list[Any] = [root]
        while pending:
            container = pending.pop()
            if type(container) is dict:
                self._dicts.append(container)
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

    def _mask_sensitive(self, container: dict[str, Any]) -> None:
        kind_of = self._engine.keys.kind
        for key, value in container.items():
            kind = kind_of(key)
            if kind is not None and not harmless(value):
                container[key] = marker(kind)
                self._counts[kind] += 1

    def _rename_keys(self) -> None:
        """Keys carry values too (`{"bob@example.com": …}`); two that become equal are told apart by a number."""
        names = list({key for container in self._dicts for key in container})
        renamed = dict(zip(names, self._engine.strings(names, self._groups, self._counts), strict=True))
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
