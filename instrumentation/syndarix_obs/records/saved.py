"""Records as lines of JSON and back, nothing lost: what could not be stored waits in this form for the next process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any, Final

from syndarix_obs.records import model as r

_KIND: Final = "kind"
_TYPES: Final = {
    each.kind: each for each in vars(r).values() if isinstance(each, type) and issubclass(each, r.Record)
}
_TUPLE, _DECIMAL, _MAP, _EVENT = "tuple", "decimal", "map", "event"
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_line(record: r.Record) -> str:
    """The record as one line.

    Raises:
        TypeError: a field holds what no record holds.
    """
    values = {each.name: _to_json(getattr(record, each.name)) for each in fields(record)}
    return _encode({_KIND: record.kind, **{name: value for name, value in values.items() if value is not None}})


def from_line(line: str | bytes) -> r.Record:
    """The record of a line.

    Raises:
        ValueError: it is no such line, or of a kind or with a field that this version does not know.
    """
    values = json.loads(line)
    try:
        kind = _TYPES[values.pop(_KIND)]
        return kind(**{name: _from_json(value) for name, value in values.items()})
    except (AttributeError, KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(f"not a record: {type(error).__name__}") from error


def _to_json(value: Any) -> Any:
    """JSON's own values as they are, others as a list of type and value."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Decimal):
        return [_DECIMAL, str(value)]
    if isinstance(value, (tuple, list)):
        return [_TUPLE, [_to_json(item) for item in value]]
    if isinstance(value, Mapping):
        return [_MAP, {str(key): _to_json(item) for key, item in value.items()}]
    if isinstance(value, r.SpanEvent):
        return [_EVENT, [value.name, value.timestamp_ns, _to_json(value.attributes)]]
    raise TypeError(type(value).__name__)


def _from_json(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    kind, inner = value
    if kind == _DECIMAL:
        return Decimal(inner)
    if kind == _TUPLE:
        return tuple(_from_json(item) for item in inner)
    if kind == _MAP:
        return {key: _from_json(item) for key, item in inner.items()}
    if kind == _EVENT:
        return r.SpanEvent(inner[0], inner[1], _from_json(inner[2]))
    raise ValueError(f"unknown type {kind!r}")
