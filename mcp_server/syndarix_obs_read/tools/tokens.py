"""How many tokens a text takes: an estimate from above that needs no tokenizer."""

from __future__ import annotations

import re
from typing import Final

# A word of up to five letters, two digits, or one other sign: real tokenizers need fewer pieces of ordinary JSON.
_PIECE: Final = re.compile(r"[A-Za-z]{1,5}|[0-9]{1,2}|[^\sA-Za-z0-9]|\s+", re.ASCII)
_LEAST_PER_CHARACTER: Final = 0.1


def estimate(text: str) -> int:
    """Tokens of a text. Signs outside ASCII count by their bytes, two to a token."""
    if text.isascii():
        return len(_PIECE.findall(text))
    ascii_only = text.encode("ascii", "ignore").decode()
    foreign = len(text.encode("utf-8", "replace")) - len(ascii_only)
    return len(_PIECE.findall(ascii_only)) + (foreign + 1) // 2


def surely_more(text: str, tokens: int) -> bool:
    """True when the text is so long that counting is needless."""
    return len(text) * _LEAST_PER_CHARACTER > tokens
