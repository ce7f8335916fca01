"""What a pattern is, and the tools that all of them share.

Rules that keep every finder linear, cheap and kind to other threads:

- A regular expression begins with something literal or rare, is bounded everywhere (`{0,64}`, `*+`), and a check
  decides afterwards; no run of characters is read twice.
- Finders search with `scan`, which looks at long texts in slices and gives the interpreter away between them: one call
  of `re` holds it from its first to its last character.
- `\\x00` is never part of a match: the engine joins the strings of a document with it and searches them in one pass.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Span = tuple[int, int]
Check = Callable[[re.Match[str]], bool]
Finder = Callable[[str], Iterable[Span]]

SLICE = 16_384
"""Characters that one call of `re` looks at."""
OVERLAP = 2_048
"""Characters behind a slice that a match which begins in it may reach into; what is cut there is matched again."""
BLANK = r"(?:\s|\\[nrtbf]|\\u00[01][0-9a-f]|[^\x00-\x7f])"
"""For `needs`: white space as JSON shows it; anything beyond ASCII may be some."""
GAP = r"(?:[\s\\\"'`*\])}>|]|\\[nrtbf]|\\u00[01][0-9a-f]|[^\x00-\x7f])*"
"""For `needs`: quotes, brackets and white space between a name and its value."""
LEFT = r"(?:^|[^A-Za-z0-9]|\\[nrtbf]|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}|[0-9]m)"
"""For `needs`: what `free_left` lets stand before a word."""
_OFTEN = 64
_HOLD_SECONDS = 0.001
_PAUSE_SECONDS = 0.000_05
_ESCAPE = re.compile(r"(?:\\[nrtbf]|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}|\x1b\[[0-9;]{0,16}m)$")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of sensitive text.

    Args:
        name: what stands in the marker `[REDACTED:name]`.
        find: where it occurs in a text.
        needs: expressions for google-re2 over the text as JSON shows it; where none of them matches, `find` would find
            nothing. They may let more through than `find` takes, never less.
        secret: a credential, as against personal data.
    """

    name: str
    find: Finder
    needs: tuple[str, ...]
    secret: bool


def secret(name: str, find: Finder, *needs: str) -> Pattern:
    """A pattern of credentials."""
    return Pattern(name, find, needs, secret=True)


def personal(name: str, find: Finder, *needs: str) -> Pattern:
    """A pattern of personal data."""
    return Pattern(name, find, needs, secret=False)


# --- Searching ----------------------------------------------------------------------------------------------------


class _Held:
    since = 0.0
    politely = True


def never_give_way() -> None:
    """This process has no agent whose threads wait: searching need not pause."""
    _Held.politely = False


@contextmanager
def without_pauses() -> Iterator[None]:
    """Within the block searching does not pause: who searches is the one who waits."""
    before, _Held.politely = _Held.politely, False
    try:
        yield
    finally:
        _Held.politely = before


def give_way() -> None:
    """Let other threads have the interpreter, if this one has had it for a millisecond.

    Without it a thread that wants the interpreter gets it after 5 ms (`sys.getswitchinterval`) at the earliest, and
    not before the running call of `re` has ended.
    """
    now = time.perf_counter()
    if _Held.politely and now - _Held.since > _HOLD_SECONDS:
        time.sleep(_PAUSE_SECONDS)
        _Held.since = time.perf_counter()


def scan(regex: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """What `regex.finditer(text)` yields, in slices."""
    size, start = len(text), 0
    while start < size:
        limit = start + SLICE
        stop = min(size, limit + OVERLAP) if limit < size else size
        start = limit
        for count, found in enumerate(regex.finditer(text, limit - SLICE, stop), 1):
            match = found
            if match.start() >= limit:
                break
            if match.end() == stop < size:
                match = regex.match(text, match.start()) or match
            yield match
            start = max(start, match.end())
            if not count % _OFTEN:
                give_way()
        give_way()


def matches(regex: str, check: Check | None = None, *, group: int = 0, flags: int = re.ASCII) -> Finder:
    """A finder of all matches of `regex` that pass `check`; `group` is the part to mask."""
    compiled = re.compile(regex, flags)

    def find(text: str) -> Iterator[Span]:
        for match in scan(compiled, text):
            if check is None or check(match):
                yield match.span(group)

    return find


def number_start(first: str) -> str:
    """For finders: a digit (one of the class `first`) before which no digit stands but the last of an escape sequence.

    The digit comes first and what precedes it after: digits are rare in prose, and `re` skips to a class quickly.
    """
    own = rf"(?<![0-9%]{first})(?<!%[0-9A-Fa-f]{first})(?<!\\u{first})"  # nor is it a digit of such a sequence
    return rf"{first}(?:{own}|(?<=%[0-9]{{2}}{first})|(?<=\\u[0-9a-fA-F]{{4}}{first}))"


def lowered(text: str) -> str:
    """The text in lower case, of the same length: one letter has a longer lower case."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text.replace("\u0130", "i").lower()


def words_in(text: str, words: Iterable[str]) -> list[Span]:
    """Where one of these words (in lower case) stands, in order. Quicker than `re` for more than a few words."""
    lower = lowered(text)
    found: list[Span] = []
    for word in words:
        size, position = len(word), lower.find(word)
        while position >= 0:
            found.append((position, position + size))
            position = lower.find(word, position + size)
        give_way()
    found.sort(key=lambda span: (span[0], -span[1]))
    return found


def behind(words: Iterable[str], tail: str, check: Check | None = None, *, group: int = 1, free: bool = True) -> Finder:
    """A finder of what `tail` matches right behind one of these words, in any case.

    Args:
        words: in lower case; of two that begin alike at one place the longer is tried first.
        tail: a regular expression; `group` of it is the part to mask.
        check: decides about a match.
        free: the word must not be the end of a longer one.
    """
    known, compiled = tuple(words), re.compile(tail)

    def find(text: str) -> Iterator[Span]:
        last = 0
        for start, end in words_in(text, known):
            if start < last or (free and not free_left(text, start)):
                continue
            match = compiled.match(text, end)
            if match is not None and (check is None or check(match)):
                last = match.end()
                yield match.span(group)

    return find


# --- Surroundings -------------------------------------------------------------------------------------------------


def touches(char: str) -> bool:
    """Whether this character next to a secret makes it a part of a longer word.

    Letters of scripts that are written without spaces (Chinese, Japanese, Thai, …) do not.
    """
    return char.isalnum() and (char < "\u0e00" or "\u1c80" <= char < "\u2e80" or "\uac00" <= char < "\ud7b0")


def free_left(text: str, start: int) -> bool:
    """True when no letter or digit touches position `start` from the left.

    The end of an escape sequence does not count: inside JSON text that is itself a string, a new line reads `\\n` and
    its `n` would otherwise hide the secret behind it; the same holds for `%20` and for colours of a terminal.
    """
    if start == 0 or not touches(text[start - 1]):
        return True
    return _ESCAPE.search(text, max(0, start - 20), start) is not None


def free_right(text: str, end: int) -> bool:
    """True when no letter or digit touches position `end` from the right."""
    return end >= len(text) or not touches(text[end])


def free(match: re.Match[str]) -> bool:
    """True when a match is a word of its own."""
    return free_left(match.string, match.start()) and free_right(match.string, match.end())


def standing_number(text: str, start: int, end: int, *, joints: str = ".") -> bool:
    """True when text[start:end] is a number of its own: no part of a word, nor joined to more digits by `joints`."""
    if not (free_left(text, start) and free_right(text, end)):
        return False
    if start > 1 and text[start - 1] in joints and text[start - 2].isdigit():
        return False
    return not (end + 1 < len(text) and text[end] in joints and text[end + 1].isdigit())


_DIGIT = re.compile("[0-9]")
_UPPER = re.compile("[A-Z]")
_LETTER = re.compile(r"[^\W\d_]")


def has_digit(text: str) -> bool:
    """Whether a digit is in it."""
    return _DIGIT.search(text) is not None


def has_upper(text: str) -> bool:
    """Whether a capital is in it."""
    return _UPPER.search(text) is not None


def has_letter(text: str) -> bool:
    """Whether a letter is in it."""
    return _LETTER.search(text) is not None


def listed(text: str) -> tuple[str, ...]:
    """The words of a text: long lists of words read better so."""
    return tuple(text.split())


def digits_of(text: str) -> str:
    """The digits of a text."""
    return "".join(filter(str.isdigit, text))


_LONG_PIECE = re.compile(r"[A-Za-z0-9]{16}")
_KINDS = str.maketrans(
    {
        **{chr(c): "a" for c in range(97, 123)},
        **{chr(c): "A" for c in range(65, 91)},
        **dict.fromkeys("0123456789", "0"),
    }
)
_CHANGES = ("aA", "a0", "A0", "0a", "0A")
"""Neighbours of two kinds; a capital before a small letter is how words begin."""


def looks_random(body: str) -> bool:
    """True for the body of a key, false for a phrase such as `learn-compatible-estimator-v2` or `report_2026_final`.

    Random are a piece of 16 letters and digits or more, and a body in which letters and digits, or cases, change often.
    """
    body = body[:256]
    if _LONG_PIECE.search(body):
        return True
    changes = sum(map(body.translate(_KINDS).count, _CHANGES))
    return changes >= 3 and changes * 8 >= len(body)
