"""Applies the patterns: to one string, or to all strings of a JSON document in one pass."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from syndarix_obs.guard import record_failure
from syndarix_obs.redaction.assigned import quoted_values
from syndarix_obs.redaction.catalogue import BASE64, FOLD, KEYS, patterns
from syndarix_obs.redaction.folding import base64_texts, folded
from syndarix_obs.redaction.gate import Gate
from syndarix_obs.redaction.keys import SensitiveKeys
from syndarix_obs.redaction.pattern import give_way
from syndarix_obs.redaction.walk import Walk

Found = tuple[int, int, str]
"""Where something sensitive begins and ends, and its name."""
_JOINT = "\x00"


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
        accelerated: ask google-re2 what could match, where it can be imported.
        exempt: names of keys that are known to be harmless.
    """

    def __init__(
        self,
        *,
        personal: bool,
        own: Mapping[str, str],
        custom: Callable[[str], str] | None,
        accelerated: bool = True,
        exempt: Iterable[str] = (),
    ) -> None:
        self._patterns = patterns(personal=personal)
        self._own = tuple((name, re.compile(regex)) for name, regex in own.items())
        self._custom = custom
        self.keys = SensitiveKeys(personal=personal, exempt=exempt)
        self.gate = Gate(self._patterns, accelerated=accelerated)
        self.always = bool(own) or custom is not None
        self.has_custom = custom is not None

    def hits(self, text: str) -> frozenset[int]:
        """Patterns that could match in a text without lone surrogates."""
        return self.gate.hits(text.encode())

    def find(self, text: str, wanted: frozenset[int]) -> list[Found]:
        """What these patterns and the caller's own find, in order and without overlaps."""
        plain = folded(text) if FOLD in wanted else None
        if plain is None:
            found = list(self._plainly(text, wanted))
        else:
            inner = self._plainly(plain.text, self.hits(plain.text))
            found = [(*plain.origin(start, end), name) for start, end, name in inner]
        if BASE64 in wanted:
            found += self._in_base64(text)
        found += self._owned(text)
        return merged(found)

    def _plainly(self, text: str, wanted: frozenset[int]) -> Iterator[Found]:
        if wanted & KEYS:
            yield from quoted_values(self.keys, text)
        for index in sorted(wanted):
            name = self._patterns[index].name
            for start, end in self._patterns[index].find(text):
                yield start, end, name
            give_way()

    def _in_base64(self, text: str) -> Iterator[Found]:
        for start, end, plain in base64_texts(text):
            inner = next(self._plainly(plain, self.hits(plain)), None)
            if inner is not None:
                yield start, end, inner[2]

    def _owned(self, text: str) -> Iterator[Found]:
        """The caller's patterns see one string at a time; an empty match masks nothing."""
        for name, regex in self._own:
            offset = 0
            for part in text.split(_JOINT):
                for match in regex.finditer(part):
                    if match.end() > match.start():
                        yield offset + match.start(), offset + match.end(), name
                offset += len(part) + 1

    def mask(self, text: str, wanted: frozenset[int], counts: Counter[str]) -> str:
        """The text with everything masked that is found."""
        return replaced(text, self.find(text, wanted), counts)

    def one(self, text: str, counts: Counter[str]) -> str:
        """One string, all the way."""
        if self._custom is not None:
            text = self._through_custom(self._custom, text, counts)
        wanted = self.hits(text)
        return self.mask(text, wanted, counts) if wanted or self._own else text

    def document(self, document: Any, wanted: frozenset[int], counts: Counter[str]) -> Any:
        """A JSON document, changed in place and returned; a bare string or number comes back masked.

        Args:
            document: dicts, lists, strings and numbers as `json.loads` makes them.
            wanted: what the gate reported for its JSON text.
            counts: gets the number of masked places by name.
        """
        return Walk(self, wanted, counts).run(document)

    def strings(self, texts: list[str], wanted: frozenset[int], counts: Counter[str]) -> list[str]:
        """Many strings in one pass of each pattern: joined by a character that no pattern matches."""
        if self._custom is not None:
            texts = [self._through_custom(self._custom, text, counts) for text in texts]
            wanted = self.hits(_JOINT.join(texts))
        if any(_JOINT in text for text in texts):
            return [self.mask(text, wanted, counts) for text in texts]
        found = self.find(_JOINT.join(texts), wanted)
        return list(_apart(texts, found, counts)) if found else texts

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


def merged(found: list[Found]) -> list[Found]:
    """In order and without overlaps: what overlaps becomes one, named by its longest part (of equals the first).

    The user and password of a connection string keep their end, so that `password@host` is no e-mail address.
    """
    result: list[Found] = []
    for start, end, name in sorted(found, key=lambda one: one[0]):
        last = result[-1] if result else (0, 0, "")
        if start >= last[1]:
            result.append((start, end, name))
        elif end > last[1] and last[2] == "connection_string":
            continue
        else:
            longer = end - start > last[1] - last[0]
            result[-1] = (last[0], max(end, last[1]), name if longer else last[2])
    return result


def replaced(text: str, found: Iterable[Found], counts: Counter[str]) -> str:
    """The text with markers in these places, which are in order and without overlaps; counted by name."""
    pieces: list[str] = []
    position = 0
    for start, end, name in found:
        pieces += (text[position:start], marker(name))
        position = end
        counts[name] += 1
    return "".join((*pieces, text[position:])) if pieces else text


def _apart(texts: list[str], found: list[Found], counts: Counter[str]) -> Iterator[str]:
    """The joined strings one by one, with what was found in each."""
    offset, place = 0, 0
    for text in texts:
        end = offset + len(text)
        mine: list[Found] = []
        while place < len(found) and found[place][0] < end:
            start, stop, name = found[place]
            mine.append((max(0, start - offset), min(stop, end) - offset, name))
            if stop > end:
                break
            place += 1
        yield replaced(text, mine, counts) if mine else text
        offset = end + 1
