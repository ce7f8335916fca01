"""How many tokens a text takes: an estimate from above that needs no tokenizer.

Every kind of text has its own measure: tokenizers give English words one token and words of other languages one to
three letters, random ids hardly a letter, scripts that they saw little of more than one to a letter. English is known
by its small words, in stretches of a few hundred characters.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from typing import Final

_STRETCH: Final = 400
"""Characters that are judged together as English or not."""
_ENGLISH_SHARE: Final = 0.08
"""Share of small words among all words from which on a stretch counts as English as a whole."""
_LETTERS_PER_TOKEN: Final = 2.8
"""Letters of a word of another language to a token, where every started token counts."""
_ACCENT: Final = 0.75
"""What a letter with an accent takes beyond its place in the word."""
_SMALL: Final = frozenset({
    "the", "and", "that", "with", "this", "from", "are", "by", "you", "your", "which", "will", "would", "can", "not",
    "but", "they", "there", "what", "if", "when", "because", "it", "its", "could", "should", "has", "were", "their",
    "been", "than", "into",
})  # fmt: skip
"""Small words of English that hardly stand in another language."""
_ACCENTED: Final = re.compile(r"[\u00c0-\u024f\u1e00-\u1eff]")
_TWICE_ACCENTED: Final = re.compile(r"[\u1e00-\u1eff]")
_FOREIGN: Final = re.compile(r"[^\x00-\x7f\u00c0-\u024f\u1e00-\u1eff]")
# In this order: names of fields, hexadecimal and other random runs, words, capitals, two digits, a gap before a number,
# signs that stand together in JSON, single signs, wide gaps.
_PIECE: Final = re.compile(
    r'(?P<field>"?[,{]?\\*"[A-Za-z_]{1,40}\\*":["\[{]?)|(?P<hex>\b[0-9a-f]*(?:[0-9][a-f]|[a-f][0-9])[0-9a-f]{6,}\b)'
    r"|(?P<random>[A-Za-z0-9+/]{24,}"
    r"|(?=[A-Za-z+/]*[0-9][0-9+/]*[A-Za-z]|[0-9+/]*[A-Za-z][A-Za-z+/]*[0-9])[A-Za-z0-9+/]{8,})"
    r"|\b(?:null|true|false)\b|(?P<word>[A-Z]?[a-z]+)"
    r'|[A-Z]{1,3}|[0-9]{1,2}|\s(?=[0-9])|"?[:,]"|[\[{]"|"[\]}]|[\]}],|[^\sA-Za-z0-9]|(?P<gap>\s{2,})|[^\S ]',
    re.ASCII,
)
_PART: Final = re.compile(r"_?[A-Z]?[a-z]{1,9}|[A-Z]{1,3}")
_LEAST_PER_CHARACTER: Final = 0.1


def estimate(text: str) -> int:
    """Tokens of a text, rounded up."""
    if not text.isascii():
        foreign = sum(count * _foreign(sign) for sign, count in Counter(_FOREIGN.findall(text)).items())
        plain, accents = _ACCENTED.subn("x", _FOREIGN.sub(" ", text))
        accents += len(_TWICE_ACCENTED.findall(text))
        # Accents among English words are words of another language, which cost more than English ones.
        return math.ceil(_plain(plain, 0.7 if accents else 1.0) + accents * _ACCENT + foreign)
    return math.ceil(_plain(text))


def _plain(text: str, most_english: float = 1.0) -> float:
    return sum(_stretch(text[start : start + _STRETCH], most_english) for start in range(0, len(text), _STRETCH))


def _stretch(text: str, most_english: float) -> float:
    fixed, small, words = 0.0, 0, []
    for found in _PIECE.finditer(text):
        kind, piece = found.lastgroup, found[0]
        if kind == "word":
            words.append(len(piece))
            small += piece.lower() in _SMALL
        else:
            fixed += 1 if kind is None else _run(kind, piece)
    english = min(most_english, small / (len(words) * _ENGLISH_SHARE)) if words else 0.0
    ours = sum(1 if length < 9 else -(-length // 4) for length in words)
    other = sum(math.ceil(length / _LETTERS_PER_TOKEN) for length in words)
    return fixed + english * ours + (1 - english) * other


def _run(kind: str, piece: str) -> float:
    if kind == "field":
        return 2.2 + len(_PART.findall(piece))
    if kind == "gap":
        return 2 + len(piece) // 12
    return len(piece) * (0.6 if kind == "hex" else 0.76)


_SCRIPTS: Final = (
    (0x00C0, 0.6), (0x0370, 1.0), (0x0400, 1.35), (0x0530, 0.65), (0x0900, 1.2), (0x0E00, 1.45), (0x1100, 1.8),
    (0x2000, 1.5), (0x2E80, 1.3), (0x3040, 1.0), (0x3100, 0.9), (0xAC00, 1.2), (0xD7B0, 1.1), (0x10000, 2.0),
)  # fmt: skip
"""Tokens of a sign of each script, with the first code point that is no longer of it."""


@lru_cache(maxsize=4_096)
def _foreign(sign: str) -> float:
    return next((cost for end, cost in _SCRIPTS if ord(sign) < end), 3.2)


def surely_more(text: str, tokens: int) -> bool:
    """True when the text is so long that counting is needless."""
    return len(text) * _LEAST_PER_CHARACTER > tokens
