"""The C encoder of the standard library, made once (`JSONEncoder.encode` makes a new one for every text), and with a
quicker way to quote long texts: prompts are mostly such.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from json import encoder
from sys import getsizeof
from typing import Any

_make: Any = getattr(encoder, "c_make_encoder", None)
_LONG = 4_096
"""From so many characters on it pays to look for what needs an escape before copying the rest."""
_FEW = 8
"""Items of a list that are looked at."""
_DEPTH = 5
_WIDE = 3
"""More bytes than this for each character: a text with emojis, which is slower to search than to quote."""
_CONTROL = b"\x00"
_CONTROLS = bytes(0 if code < 32 and code not in b"\t\n\r" else code for code in range(256))
_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
_quote: Callable[[str], str] = encoder.encode_basestring


def compact_encoder(
    default: Callable[[Any], Any],
    *,
    allow_nan: bool = True,
    sort_keys: bool = False,
    quote: Callable[[str], str] = encoder.encode_basestring,
) -> Callable[[Any], str]:
    """A function that writes compact JSON, non-ASCII as it is.

    Args:
        default: turns an object that is no JSON into one that is.
        allow_nan: write `NaN` and `Infinity`, which JSON lacks, instead of raising ValueError.
        sort_keys: write keys in their order, so that equal objects give equal texts.
        quote: writes a text as a JSON string, as `encode_basestring` does but perhaps quicker.

    Raises:
        RecursionError: from the function, for objects that contain themselves or are nested too deep.
    """
    if _make is None:
        return json.JSONEncoder(
            ensure_ascii=False, allow_nan=allow_nan, check_circular=False, separators=(",", ":"), default=default,
            sort_keys=sort_keys,
        ).encode
    chunks = _make(None, default, quote, None, ":", ",", sort_keys, False, allow_nan)
    return lambda value: "".join(chunks(value, 0))


def quoted(text: str) -> str:
    """The text as a JSON string, non-ASCII as it is."""
    if len(text) < _LONG or getsizeof(text) > _WIDE * len(text):
        return _quote(text)
    try:
        data = text.encode()
    except UnicodeEncodeError:  # halves of surrogate pairs
        return _quote(text)
    if _CONTROL in data.translate(_CONTROLS):
        return _quote(text)
    for char, escape in _ESCAPES:
        text = text.replace(char, escape)
    return f'"{text}"'


def has_long_text(value: Any, depth: int = _DEPTH) -> bool:
    """Whether a dict or list shows a long text at a quick look: the first levels, the last items of each list."""
    for item in value.values() if type(value) is dict else value[-_FEW:]:
        kind = type(item)
        if kind is str:
            if len(item) >= _LONG:
                return True
        elif (kind is dict or kind is list) and depth and has_long_text(item, depth - 1):
            return True
    return False


def encoder_of(default: Callable[[Any], Any]) -> Callable[[Any], str]:
    """A function that writes compact JSON; `default` turns an unusual object into a usual one.

    It raises ValueError for numbers that JSON lacks, and RecursionError for what contains itself.
    """
    plain = compact_encoder(default, allow_nan=False)
    long = compact_encoder(default, allow_nan=False, quote=quoted)

    def encode(value: Any) -> str:
        kind = type(value)
        return long(value) if (kind is dict or kind is list) and has_long_text(value) else plain(value)

    return encode
