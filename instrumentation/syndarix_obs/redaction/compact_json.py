"""The standard library's C encoder of JSON, made once: `JSONEncoder.encode` makes a new one for every text."""

from __future__ import annotations

import json
from collections.abc import Callable
from json import encoder
from typing import Any

_make: Any = getattr(encoder, "c_make_encoder", None)


def compact_encoder(
    default: Callable[[Any], Any], *, allow_nan: bool = True, quote: Callable[[str], str] = encoder.encode_basestring
) -> Callable[[Any], str]:
    """A function that writes compact JSON, non-ASCII as it is.

    Args:
        default: turns an object that is no JSON into one that is.
        allow_nan: write `NaN` and `Infinity`, which JSON lacks, instead of raising ValueError.
        quote: writes a text as a JSON string, as `encode_basestring` does but perhaps quicker.

    Raises:
        RecursionError: from the function, for objects that contain themselves or are nested too deep.
    """
    if _make is None:
        return json.JSONEncoder(
            ensure_ascii=False, allow_nan=allow_nan, check_circular=False, separators=(",", ":"), default=default
        ).encode
    chunks = _make(None, default, quote, None, ":", ",", False, False, allow_nan)
    return lambda value: "".join(chunks(value, 0))
