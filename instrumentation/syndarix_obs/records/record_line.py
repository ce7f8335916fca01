"""A record as one line of JSON, written field by field.

Every destination of lines gets this text. It is put together here, and not by a JSON encoder from a dict made for it,
because a model call writes two lines of some twenty-five fields each: this takes 60% of the time.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Final, Protocol

from syndarix_obs.redaction.jsontext import compact_encoder

_OWN_PLACE: Final = frozenset({"payload", "attributes", "events"})
_encode = compact_encoder(str)


class _Event(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def timestamp_ns(self) -> int: ...
    @property
    def attributes(self) -> Mapping[str, Any]: ...


class _Record(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def duration_ns(self) -> int: ...
    @property
    def attributes(self) -> Mapping[str, Any]: ...
    @property
    def events(self) -> Iterable[_Event]: ...


_Reader = tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]
_readers: dict[type[Any], _Reader] = {}


def _reader(cls: type[Any]) -> _Reader:
    """Keys of the fields that a line shows, with the JSON around them, and a function that reads all the fields."""
    found = _readers.get(cls)
    if found is None:
        names = tuple(field.name for field in fields(cls) if field.name not in _OWN_PLACE)
        found = _readers[cls] = (tuple(f',"{name}":' for name in names), operator.attrgetter(*names))
    return found


def json_line(record: _Record) -> str:
    """The record without its payload: `kind`, the fields that are set, `duration_ms`, attributes and events."""
    keys, read = _reader(type(record))
    parts = [f'{{"kind":"{record.kind}"']
    for key, value in zip(keys, read(record), strict=True):
        if value is None or value == "":
            continue
        kind = type(value)
        if kind is str:
            parts.append(key + encode_basestring(value))
        elif kind is int:
            parts.append(f"{key}{value}")
        elif kind is Decimal:
            parts.append(f'{key}"{value}"')
        else:
            parts.append(key + _encode(value))
    parts.append(f',"duration_ms":{record.duration_ns / 1e6}')
    if record.attributes:
        parts.append(f',"attributes":{_encode(dict(record.attributes))}')
    if record.events:
        parts.append(f',"events":{_encode([_event(event) for event in record.events])}')
    parts.append("}")
    return "".join(parts)


def _event(event: _Event) -> dict[str, Any]:
    return {"name": event.name, "timestamp_ns": event.timestamp_ns, "attributes": dict(event.attributes)}
