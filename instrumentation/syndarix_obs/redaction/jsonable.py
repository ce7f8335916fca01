"""Any object as JSON, whatever it is: never raises, never runs away, never consumes a caller's iterator.

The fast way is the C encoder with a hook for unusual types. What it refuses (cycles, odd keys, NaN, endless numbers,
great depth, containers that change or raise while being read) goes through `plain`, which replaces what cannot be
shown by a marker in square brackets.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import islice
from pathlib import PurePath
from typing import Any
from uuid import UUID

from syndarix_obs import foreign
from syndarix_obs import vocabulary as v
from syndarix_obs.redaction.jsontext import encoder_of

_MAX_DEPTH = 100
_MAX_NODES = 500_000
_MAX_ITEMS = 500_000
_MAX_CHARS = 16 * 1024 * 1024
_AS_TEXT = (Decimal, UUID, PurePath, timedelta, complex)


def _describe(value: Any) -> Any:
    """Hook of the encoder: one step from an unusual object towards JSON."""
    try:
        found = foreign.run(_one_step, value)
        return _short(found) if isinstance(found, str) or _plain_containers(found) else plain(found)
    except (RecursionError, foreign.Abandoned):
        raise  # too deep for the encoder: the careful way knows where to stop
    except BaseException as error:  # noqa: BLE001 - the object's own code may raise anything; the marker says so
        return foreign.stand_in(value, error)


def _plain_containers(value: Any, depth: int = _MAX_DEPTH) -> bool:
    """Whether no dict, list or tuple in there has an iterator of its own: the C encoder would follow it for ever."""
    kind: Any = type(value)
    if kind is not dict and kind is not list and kind is not tuple and not isinstance(value, (dict, list, tuple)):
        return True
    if not depth or not _iterates_as_usual(kind):
        return False
    for item in value.values() if isinstance(value, dict) else value:
        kind = type(item)
        if kind is str or kind is int or kind is bool or item is None:
            continue
        if not _plain_containers(item, depth - 1):
            return False
    return True


@lru_cache(maxsize=1024)
def _iterates_as_usual(kind: Any) -> bool:
    if issubclass(kind, dict):
        return kind is OrderedDict or (kind.items is dict.items and kind.values is dict.values)
    return kind.__iter__ is list.__iter__ or kind.__iter__ is tuple.__iter__


def _short(found: Any) -> Any:
    """A text of the object's own making has a bound; what it holds is bounded where it is read."""
    if isinstance(found, str) and len(found) > _MAX_CHARS:
        return f"{str.__str__(found)[:_MAX_CHARS]}{v.TRUNCATED_SUFFIX} {len(found)} characters"
    return found


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
        return _bounded(dict(islice(value.items(), _MAX_ITEMS + 1)))
    if isinstance(value, AbstractSet):
        return sorted(islice(value, _MAX_ITEMS), key=repr)
    return f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else str(value)


def _bounded(found: dict[Any, Any]) -> dict[Any, Any]:
    if len(found) > _MAX_ITEMS:
        found.popitem()
        found["…"] = "[too many values]"
    return found


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


def dumps(value: Any) -> str:
    """Compact JSON text of any object, non-ASCII as it is, without lone surrogates."""
    return encoded(value)[0]


def encoded(value: Any) -> tuple[str, bool]:
    """JSON text of any object, and whether it shows the object as it is (False: something had to be replaced)."""
    foreign.begin()
    if not _plain_containers(value):
        return _clean(_encode(plain(value))), False
    try:
        raw = _encode(value)
    except foreign.Abandoned:
        raise
    except BaseException:  # noqa: BLE001 - whatever the fast way cannot take, the careful way can
        return _clean(_encode(plain(value))), False
    text = _clean(raw)
    return text, text is raw


_encode = encoder_of(_describe)


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
        except foreign.Abandoned:
            raise
        except BaseException as error:  # noqa: BLE001 - a container of the caller may raise anything while it is read
            return foreign.stand_in(value, error)
        finally:
            self._open.discard(id(value))

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            items = foreign.run(lambda: list(islice(value.items(), _MAX_ITEMS + 1)))
            return _bounded({_key(key): self.convert(item, depth) for key, item in items})
        if isinstance(value, (list, tuple)):
            found = foreign.run(lambda: list(islice(value, _MAX_ITEMS + 1)))
            more = ["[too many values]"] if len(found) > _MAX_ITEMS else []
            return [self.convert(item, depth) for item in found[:_MAX_ITEMS]] + more
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
