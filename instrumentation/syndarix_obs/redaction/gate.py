"""The cheap gate before the patterns: which groups of patterns could match at all.

It sees a whole payload at once, as JSON text, and reports a group when a *necessary* condition of one of its patterns
holds; most payloads pass with no hit and are never looked at again. Where google-re2 is installed, `fast.py` answers in
one pass. Here speed comes from three things. The text is folded once with `bytes.translate` (lower case, every digit to
`0`, `_` to `-`), so that one search covers all spellings. Every search starts with one literal byte that is rare in
prose, for which the regular expression engine has a fast loop; what must stand before it is a look-behind. And
conditions with the same first byte share one search: only when that hits are they told apart.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable

from syndarix_obs.redaction.conditions import CODE, FREE, NUMBER, PHONES, SEARCHES, Condition
from syndarix_obs.redaction.spans import Group

Search = Callable[[bytes], object]


def _fold(code: int) -> int:
    char = chr(code)
    if char in string.digits:
        return ord("0")
    if char in "zZvV":
        return ord("k")  # as rare as k, so that they share its search
    return ord("-") if char == "_" else ord(char.lower()) if code < 128 else code


_FOLD = bytes(map(_fold, range(256)))
_WIDE_SEPARATORS = re.compile(rb"\xe2\x80[\x89\x90-\x95\xaf]|\xe2\x88\x92|\xc2\xa0")
_STARTS = {
    NUMBER: r"0(?=[0 ()./-]{6})(?!000-00-00(?:[^0]|$))"  # most long numbers are dates
    r"(?:(?<!00)|(?<=%000)|(?<=\\u[a-f0]{4}0))",
    CODE: "00(?:(?<=[a-z]00)|(?<=card-00))",
    "-": "-(?:(?<=[a-z-]-)|(?<=r0-))",
}
_PLAIN = re.compile(r"(?:[a-z]|\[[^]]*\](?![{?*]))*")
_LAST = re.compile(r"(?:\[[^]]*\]|.)$")


def folded(data: bytes) -> bytes:
    """UTF-8 text folded as described above (`z` and `v` to `k` as well); typographic hyphens and spaces become `-`."""
    text = data.translate(_FOLD)
    return text if text.isascii() else _WIDE_SEPARATORS.sub(b"-", text)


def _regex(condition: Condition) -> str:
    """What must follow `first`; what must precede is a look-behind after the plain letters and classes of it."""
    if not condition.before:
        return condition.after
    letters = _PLAIN.match(condition.after)
    plain = letters.group() if letters else ""
    end = condition.first + plain
    regex = plain + _first_look(condition.before, end) + _behind(condition.before, end)
    if condition.free:
        regex += _behind(FREE, f"(?:{'|'.join(condition.before)}){end}")
    return regex + condition.after[len(plain) :]


def _first_look(before: tuple[str, ...], end: str) -> str:
    """Where there are many: one look at the last character refutes most places."""
    if len(before) < 4:
        return ""
    last = {found.group() for one in before if (found := _LAST.search(one))}
    return f"(?<=(?:{'|'.join(sorted(last))}){end})"


def _behind(before: Iterable[str], end: str) -> str:
    """Look-behinds for any of these, each followed by `end` (Python wants one width per look-behind)."""
    return f"(?:{'|'.join(f'(?<={one}{end})' for one in before)})"


def _compiled(conditions: Iterable[Condition]) -> tuple[bytes, Search, tuple[tuple[Group, Search], ...]]:
    """The byte that all begin with, one search for all, and one for each."""
    first = next(iter(conditions)).first
    parts = [(condition.group, _regex(condition)) for condition in conditions]
    together = "|".join(regex for _, regex in parts)
    searches = tuple((group, _search(first, regex)) for group, regex in parts)
    return first.removeprefix("\\")[:1].encode(), _search(first, together), searches


def _search(first: str, regex: str) -> Search:
    return re.compile(f"{_STARTS.get(first, first)}(?:{regex})".encode()).search


class Gate:
    """All searches of one mode.

    Args:
        personal: search for personal data as well as for secrets.
    """

    def __init__(self, *, personal: bool) -> None:
        chosen = [[one for one in together if personal or not one.personal] for together in SEARCHES]
        self._raw = tuple(_compiled(conditions) for conditions in chosen if conditions and conditions[0].raw)
        self._folded = tuple(_compiled(conditions) for conditions in chosen if conditions and not conditions[0].raw)

    def hits(self, data: bytes) -> set[Group]:
        """Groups of patterns that could match somewhere in `data`, UTF-8 text (JSON or plain)."""
        found: set[Group] = set()
        for text, all_searches in ((data, self._raw), (folded(data), self._folded)):
            for byte, search, parts in all_searches:
                if byte in text and search(text):
                    found.update(group for group, part in parts if part(text))
        if "keyed" in found and not any(search(text) for search in _PHONES):
            found.discard("keyed")
        return found


_PHONES = [_search(condition.first, condition.after) for condition in PHONES]
