"""A finished span as an OTLP message: ids, times, attributes, events, links and status, without payloads."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceProto
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from syndarix_obs import vocabulary as v
from syndarix_obs.exporters.wire import varint
from syndarix_obs.finished import FinishedSpan
from syndarix_obs.resource import Resource

_KINDS: Final[Mapping[str, Span.SpanKind.ValueType]] = {
    "internal": Span.SPAN_KIND_INTERNAL,
    "server": Span.SPAN_KIND_SERVER,
    "client": Span.SPAN_KIND_CLIENT,
    "producer": Span.SPAN_KIND_PRODUCER,
    "consumer": Span.SPAN_KIND_CONSUMER,
}
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1
_MAX_TIME: Final = (1 << 64) - 1
_KEPT_CHARS: Final = 1024
_LONGEST_KNOWN: Final = 64
_MOST_KNOWN: Final = 8192
_MOST_ITEMS: Final = 8
# Tags of the wire format: `Span.attributes`, `KeyValue.key` and `.value`, `AnyValue` with a bool, an int and a double.
_ATTRIBUTES, _KEY, _VALUE = b"\x4a", b"\x0a", b"\x12"
_TRUE, _FALSE, _INT, _DOUBLE = b"\x10\x01", b"\x10\x00", b"\x18", b"\x21"
_pack_double = struct.Struct("<d").pack
_known: dict[tuple[str, str | tuple[str, ...]], bytes] = {}
_key_fields: dict[str, bytes] = {}


def encode_span(span: FinishedSpan) -> bytes:
    """The span as a serialized OTLP `Span`.

    Raises:
        ValueError: an id is not hexadecimal.
    """
    message = Span(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        name=text(span.name),
        kind=_KINDS.get(span.span_kind, Span.SPAN_KIND_INTERNAL),
        start_time_unix_nano=moment(span.start_ns),
        end_time_unix_nano=moment(span.end_ns),
    )
    if span.parent_id:
        message.parent_span_id = bytes.fromhex(span.parent_id)
    if span.status == v.STATUS_ERROR:
        message.status.code = Status.STATUS_CODE_ERROR
        message.status.message = text(span.status_message or "")
    for event in span.events:
        added = message.events.add(name=text(event.name), time_unix_nano=moment(event.timestamp_ns))
        set_attributes(added.attributes, event.attributes)
    for trace_id, span_id in span.links:
        message.links.add(trace_id=bytes.fromhex(trace_id), span_id=bytes.fromhex(span_id))
    return message.SerializeToString() + _attributes(span.attributes)


def _attributes(attributes: Mapping[str, Any]) -> bytes:
    """Serialized `attributes` fields of a `Span`.

    Short texts come again with every span and are encoded once. Numbers do not, and are written without a message
    object each.
    """
    if len(_known) + len(_key_fields) > _MOST_KNOWN:
        _known.clear()
        _key_fields.clear()
    parts = []
    for key, value in attributes.items():
        kind = type(value)
        if kind is str and len(value) <= _LONGEST_KNOWN:
            parts.append(_known.get((key, value)) or _remembered(key, value, value))
        elif (kind is list or kind is tuple) and _is_short(value):
            again = tuple(value)
            parts.append(_known.get((key, again)) or _remembered(key, again, value))
        elif kind is int or kind is float or kind is bool:
            parts.append(_number(key, value) or _attribute(key, value))
        else:
            parts.append(_attribute(key, value))
    return b"".join(parts)


def _is_short(values: Sequence[Any]) -> bool:
    """True for a few short texts, for example finish reasons."""
    return len(values) <= _MOST_ITEMS and all(type(item) is str and len(item) <= _LONGEST_KNOWN for item in values)


def _remembered(key: str, again: Any, value: Any) -> bytes:
    found = _known[key, again] = _attribute(key, value)
    return found


def _attribute(key: str, value: Any) -> bytes:
    holder = Span()
    set_attributes(holder.attributes, {key: value})
    return holder.SerializeToString()


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
    pair = (_key_fields.get(key) or _key_field(key)) + bytes((len(body),)) + body
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
