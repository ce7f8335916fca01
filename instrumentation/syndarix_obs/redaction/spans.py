"""What a pattern is: a name, a class, and a function that finds where it occurs in a text.

Two rules keep every finder linear in the text. A regular expression takes a whole run of characters possessively (`*+`)
and a check decides afterwards, so no run is read twice; everything else is bounded. And `\\x00` is never part of a
match: the engine joins many strings with it and masks them in one pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

Span = tuple[int, int]
Check = Callable[[re.Match[str]], bool]
Finder = Callable[[str], Iterable[Span]]
Group = Literal[
    "at", "pem", "jwt", "sk", "aws", "google", "github", "slack", "vendor", "hub", "sendgrid", "bearer", "word",
    "card_word", "ssn_word", "birth", "card", "card_groups", "card_id", "ssn", "iban", "ip", "colon", "international",
    "american", "french", "trunk", "keyed",
]  # fmt: skip
"""What the gate reports: patterns of a group run when one of its conditions holds."""
KEY_GROUPS: Final[frozenset[Group]] = frozenset({"word", "card_word", "ssn_word", "birth"})
"""Those that names of sensitive keys belong to."""
GROUPS: Final[frozenset[Group]] = frozenset(get_args(Group))
"""All of them."""

_ASCII_LOWER = {code: code + 32 for code in range(65, 91)}
_ESCAPE = re.compile(r"(?:\\[nrtbf]|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2})$")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of sensitive text. `name` stands in the marker `[REDACTED:name]`."""

    name: str
    group: Group
    find: Finder
    secret: bool


def free_left(text: str, start: int) -> bool:
    """True when no letter or digit touches position `start` from the left.

    The end of an escape sequence does not count: inside JSON text that is itself a string, a new line reads `\\n` and
    its `n` would otherwise hide the secret behind it; the same holds for `%20`.
    """
    if start == 0 or not text[start - 1].isalnum():
        return True
    return _ESCAPE.search(text, max(0, start - 6), start) is not None


def free_right(text: str, end: int) -> bool:
    """True when no letter or digit touches position `end` from the right."""
    return end >= len(text) or not text[end].isalnum()


def standing_number(text: str, start: int, end: int, *, joints: str = ".") -> bool:
    """True when text[start:end] is a number of its own: no part of a word, nor joined to more digits by `joints`."""
    if not (free_left(text, start) and free_right(text, end)):
        return False
    if start > 1 and text[start - 1] in joints and text[start - 2].isdigit():
        return False
    return not (end + 1 < len(text) and text[end] in joints and text[end + 1].isdigit())


def after_words(text: str, words: Mapping[str, tuple[str, ...]], tail: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Matches of `tail` right behind one of `words`, in any case.

    Args:
        text: where to look.
        words: lower-case word → what must stand before it (one space, `_` or `-` may be between), empty for anything.
        tail: matched at the end of the word.
    """
    lower = text.lower()
    if len(lower) != len(text):  # some letters have a longer lower case
        lower = text.translate(_ASCII_LOWER)
    for word, before in words.items():
        position = lower.find(word)
        while position >= 0:
            end = position + len(word)
            if not before or lower[max(0, position - 16) : position].rstrip(" _-").endswith(before):
                match = tail.match(text, end)
                if match is not None:
                    yield match
                    end = match.end()
            position = lower.find(word, end)


def matches(regex: str, check: Check | None = None, *, group: int = 0, flags: int = 0) -> Finder:
    """A finder of all matches of `regex` that pass `check`; `group` is the part to mask."""
    compiled = re.compile(regex, flags | re.ASCII)

    def find(text: str) -> Iterator[Span]:
        for match in compiled.finditer(text):
            if check is None or check(match):
                yield match.span(group)

    return find
