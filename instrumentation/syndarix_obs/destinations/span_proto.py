"""A finished span as an OTLP message: ids, times, attributes, events, links and status, without payloads."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceProto
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from syndarix_obs import vocabulary as v
from syndarix_obs.delivery.wire import field, varint
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.resource import Resource

_KINDS: Final = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1
_MAX_TIME: Final = (1 << 64) - 1
_KEPT_CHARS: Final = 1024
_LONGEST_KNOWN: Final = 64
_MOST_KNOWN: Final = 8192
_MOST_ITEMS: Final = 8
# Tags of the wire format: of a `Span`, of `KeyValue.key` and `.value`, of `AnyValue` with a text, bool, int and double.
_TRACE_ID, _SPAN_ID, _PARENT_ID, _NAME, _KIND = b"\x0a", b"\x12", b"\x22", b"\x2a", b"\x30"
_START, _END, _ATTRIBUTES = b"\x39", b"\x41", b"\x4a"
_KEY, _VALUE, _TEXT = b"\x0a", b"\x12", b"\x0a"
_TRUE, _FALSE, _INT, _DOUBLE = b"\x10\x01", b"\x10\x00", b"\x18", b"\x21"
_KIND_FIELDS: Final = {name: _KIND + varint(number) for name, number in _KINDS.items()}
_pack_double = struct.Struct("<d").pack
_pack_times = struct.Struct("<cQcQ").pack
_known: dict[tuple[str, str | tuple[Any, ...]], bytes] = {}
_key_fields: dict[str, bytes] = {}


def encode_span(span: FinishedSpan) -> bytes:
    """The span as a serialized OTLP `Span`.

    Raises:
        ValueError: an id is not hexadecimal.
    """
    parts = [
        field(_TRACE_ID, bytes.fromhex(span.trace_id)),
        field(_SPAN_ID, bytes.fromhex(span.span_id)),
        field(_PARENT_ID, bytes.fromhex(span.parent_id)) if span.parent_id else b"",
        field(_NAME, span.name.encode("utf-8", "replace")),
        _KIND_FIELDS.get(span.span_kind) or _KIND_FIELDS["internal"],
        _pack_times(_START, moment(span.start_ns), _END, moment(span.end_ns)),
        _attributes(span.attributes),
    ]
    if span.events or span.links or span.status == v.STATUS_ERROR:
        parts.append(_rest(span))
    return b"".join(parts)


def _rest(span: FinishedSpan) -> bytes:
    """What few spans have: events, links and an error."""
    message = Span()
    if span.status == v.STATUS_ERROR:
        message.status.code = Status.STATUS_CODE_ERROR
        message.status.message = text(span.status_message or "")
    for event in span.events:
        added = message.events.add(name=text(event.name), time_unix_nano=moment(event.timestamp_ns))
        set_attributes(added.attributes, event.attributes)
    for trace_id, span_id in span.links:
        message.links.add(trace_id=bytes.fromhex(trace_id), span_id=bytes.fromhex(span_id))
    return message.SerializeToString()


def _attributes(attributes: Mapping[str, Any]) -> bytes:
    """Serialized `attributes` fields of a `Span`.

    Short texts come again with every span and are encoded once. Other texts and numbers do not, and are written without
    a message object each.
    """
    if len(_known) + len(_key_fields) > _MOST_KNOWN:
        _known.clear()
        _key_fields.clear()
    parts = []
    for key, value in attributes.items():
        kind = type(value)
        if kind is str and len(value) <= _LONGEST_KNOWN:
            found = _known.get((key, value))
            if found is None:
                found = _known[key, value] = _text(key, value)
            parts.append(found)
        elif kind is str:
            parts.append(_text(key, value))
        elif kind is list or kind is tuple:
            parts.append(_sequence(key, value))
        elif kind is int or kind is float or kind is bool:
            parts.append(_number(key, value) or _attribute(key, value))
        else:
            parts.append(_attribute(key, value))
    return b"".join(parts)


def _sequence(key: str, values: Sequence[Any]) -> bytes:
    """A list; a few short texts, for example finish reasons, are encoded once."""
    try:
        found = _known.get((key, again := tuple(values)))
    except TypeError:  # it holds something that is no key
        return _attribute(key, values)
    if found is None:
        found = _attribute(key, values)
        if len(values) <= _MOST_ITEMS and all(type(item) is str and len(item) <= _LONGEST_KNOWN for item in values):
            _known[key, again] = found
    return found


def _attribute(key: str, value: Any) -> bytes:
    holder = Span()
    set_attributes(holder.attributes, {key: value})
    return holder.SerializeToString()


def _text(key: str, value: str) -> bytes:
    """A `KeyValue` with a text."""
    body = field(_TEXT, value.encode("utf-8", "replace"))
    name = _key_fields.get(key) or _key_field(key)
    size = varint(len(body))
    return b"".join((_ATTRIBUTES, varint(len(name) + len(size) + len(body)), name, size, body))


def _number(key: str, value: float) -> bytes | None:
    """A `KeyValue` with a number, by the wire format of protobuf; None when it does not fit 64 bits."""
    kind = type(value)
    if kind is float:
        body = _DOUBLE + _pack_double(value)
    elif kind is bool:
        body = _TRUE if value else _FALSE
    elif _SMALLEST <= value <= _LARGEST:
        body = _INT + varint(int(value) & _MAX_TIME)
    else:
        return None
    pair = (_key_fields.get(key) or _key_field(key)) + varint(len(body)) + body
    return _ATTRIBUTES + varint(len(pair)) + pair


def _key_field(key: str) -> bytes:
    """The key of a `KeyValue`, and the tag of the value behind it."""
    name = text(str(key)).encode()
    found = _key_fields[key] = _KEY + varint(len(name)) + name + _VALUE
    return found


def set_attributes(into: Any, attributes: Mapping[str, Any]) -> None:
    """Append attributes to a repeated `KeyValue` field; None values are left out."""
    add = into.add
    for key, value in attributes.items():
        if value is None:
            continue
        pair = add()
        try:
            pair.key = key
            _set_value(pair.value, value)
        except (TypeError, ValueError):  # lone surrogates, a number out of range, a key that is no text
            pair.key = text(str(key))
            pair.value.string_value = text(str(value))


def _set_value(target: AnyValue, value: Any) -> None:
    kind = type(value)
    if kind is str:
        target.string_value = value
    elif kind is bool:
        target.bool_value = value
    elif kind is int:
        target.int_value = value
    elif kind is float:
        target.double_value = value
    elif kind is list or kind is tuple:
        target.array_value.CopyFrom(ArrayValue(values=[_value(item) for item in value]))
    else:
        target.string_value = str(value)


def _value(item: Any) -> AnyValue:
    made = AnyValue()
    _set_value(made, item)
    return made


def text(value: str) -> str:
    """Text without lone surrogates, which protobuf does not take."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def moment(nanoseconds: int) -> int:
    """A time that fits an unsigned 64-bit field."""
    return min(max(nanoseconds, 0), _MAX_TIME)


def encode_resource(resource: Resource) -> bytes:
    """Who emits, as a serialized OTLP `Resource`."""
    message = ResourceProto()
    set_attributes(message.attributes, resource.as_attributes())
    return message.SerializeToString()


def encode_scope(scope: tuple[str, str | None]) -> bytes:
    """Name and version of the instrumenting library, as a serialized OTLP `InstrumentationScope`."""
    return InstrumentationScope(name=text(scope[0]), version=text(scope[1] or "")).SerializeToString()


def shorten_span(data: bytes, keep: int = _KEPT_CHARS) -> bytes | None:
    """The span with its long texts cut to `keep` characters, each marked with its size; None when none is long."""
    message = Span.FromString(data)
    pairs = [*message.attributes, *(pair for event in message.events for pair in event.attributes)]
    cut = sum(_shorten_value(pair, keep) for pair in pairs)
    if len(message.status.message) > 2 * keep:
        message.status.message = _cut(message.status.message, keep)
        cut += 1
    return message.SerializeToString() if cut else None


def _shorten_value(pair: KeyValue, keep: int) -> bool:
    value = pair.value
    if value.HasField("array_value") and value.ByteSize() > 2 * keep:
        value.string_value = _cut(str([item.string_value for item in value.array_value.values]), keep)
        return True
    if len(value.string_value) <= 2 * keep:
        return False
    value.string_value = _cut(value.string_value, keep)
    return True


def _cut(whole: str, keep: int) -> str:
    return f"{whole[:keep]}{v.TRUNCATED_SUFFIX}{len(whole.encode('utf-8'))}"
