"""Any object as JSON, whatever it is: never raises, never runs away, never consumes a caller's iterator.

The fast way is the C encoder with a hook for unusual types, made once (`JSONEncoder.encode` makes a new one for every
text), and with a quicker way to quote long texts: prompts are mostly such. What it refuses (cycles, odd keys, NaN,
endless numbers, great depth, containers that change or raise while being read) goes through `plain`, which replaces
what cannot be shown by a marker in square brackets.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from json import encoder
from pathlib import PurePath
from sys import getsizeof
from typing import Any
from uuid import UUID

_MAX_DEPTH = 100
_MAX_NODES = 500_000
_AS_TEXT = (Decimal, UUID, PurePath, timedelta, complex)
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


def _describe(value: Any) -> Any:
    """Hook of the encoder: one step from an unusual object towards JSON."""
    try:
        return _one_step(value)
    except RecursionError:
        raise  # too deep for the encoder: the careful way knows where to stop
    except Exception:  # noqa: BLE001 - the object's own code may raise anything; the marker says so
        return f"[unreadable {type(value).__name__}]"


def _one_step(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _bytes_text(bytes(value))
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, _AS_TEXT):
        return str(value)
    if isinstance(value, type):
        return f"[{value.__module__}.{value.__qualname__}]"
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return _dumped(dump)
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value.items())
    if isinstance(value, AbstractSet):
        return sorted(value, key=repr)
    return f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else str(value)


def _dumped(dump: Callable[..., Any]) -> Any:
    """What a pydantic model (or something like one) holds, without fields that are not set and without warnings."""
    try:
        return dump(exclude_none=True, warnings=False)
    except TypeError:
        return dump()


def _bytes_text(value: bytes) -> str:
    if len(value) <= 65_536:
        try:
            return value.decode()
        except UnicodeDecodeError:
            pass
    return f"[{len(value)} bytes]"


# --- The encoder --------------------------------------------------------------------------------------------------


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


_encode = encoder_of(_describe)

# --- Any object ---------------------------------------------------------------------------------------------------


def dumps(value: Any) -> str:
    """Compact JSON text of any object, non-ASCII as it is, without lone surrogates."""
    return encoded(value)[0]


def encoded(value: Any) -> tuple[str, bool]:
    """JSON text of any object, and whether it shows the object as it is (False: something had to be replaced)."""
    try:
        raw = _encode(value)
    except Exception:  # noqa: BLE001 - whatever the fast way cannot take, the careful way can
        return _clean(_encode(plain(value))), False
    text = _clean(raw)
    return text, text is raw


def _clean(text: str) -> str:
    return text if text.isascii() else well_formed(text)


def well_formed(text: str) -> str:
    """The text with halves of surrogate pairs joined or replaced: no backend takes them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def plain(value: Any) -> Any:
    """The object as dicts, lists, strings, numbers, truth values and None only."""
    return _Plain().convert(value, 0)


class _Plain:
    """One conversion: knows what is open above it (cycles) and how much it has seen (size)."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._nodes = 0

    def convert(self, value: Any, depth: int) -> Any:
        """One value; containers recursively."""
        kind = type(value)
        if kind is str or value is None or kind is bool:
            return value
        if isinstance(value, (int, float)) and not isinstance(value, Enum):
            return _number(value)
        if isinstance(value, str):
            return str.__str__(value)
        self._nodes += 1
        if depth >= _MAX_DEPTH:
            return "[too deep]"
        if self._nodes > _MAX_NODES:
            return "[too many values]"
        if id(value) in self._open:
            return "[circular]"
        self._open.add(id(value))
        try:
            return self._container(value, depth + 1)
        except Exception:  # noqa: BLE001 - a container of the caller may raise anything while it is read
            return f"[unreadable {kind.__name__}]"
        finally:
            self._open.discard(id(value))

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return {_key(k): self.convert(v, depth) for k, v in list(value.items())}
        if isinstance(value, (list, tuple)):
            return [self.convert(item, depth) for item in list(value)]
        return self.convert(_describe(value), depth)


def _number(value: float) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    if value.bit_length() > 2_000:
        return f"[integer of {value.bit_length()} bits]"
    return int(value)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or isinstance(key, bool):
        return json.dumps(key)
    shown = _number(key) if isinstance(key, (int, float)) else _describe(key)
    return str(shown) if isinstance(shown, (str, int, float)) else f"[{type(key).__name__}]"
