"""Loki's push API as Loki reads it: messages by protobuf's own library, snappy blocks by the format's description."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELDS = {
    "PushRequest": [(1, "streams", "Stream")],
    "Stream": [(1, "labels", ""), (2, "entries", "Entry")],
    "Entry": [(1, "timestamp", "Timestamp"), (2, "line", ""), (3, "metadata", "Pair")],
    "Timestamp": [(1, "seconds", "int64"), (2, "nanos", "int32")],
    "Pair": [(1, "name", ""), (2, "value", "")],
}
_SINGLE = {"timestamp"}
_Proto = descriptor_pb2.FieldDescriptorProto
_NUMBERS = {"int64": _Proto.TYPE_INT64, "int32": _Proto.TYPE_INT32, "": _Proto.TYPE_STRING}


@dataclass
class Stream:
    """One stream of a push: its labels, and time, line and structured metadata of its entries."""

    labels: dict[str, str]
    entries: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)


def unpacked(block: bytes) -> bytes:
    """The content of a snappy block that holds literals only."""
    size, at = _varint(block, 0)
    found = b""
    while at < len(block):
        kind, short = block[at] & 3, block[at] >> 2
        assert 0 == kind, "a copy, where only literals are written"
        more = max(0, short - 59)
        length = 1 + (int.from_bytes(block[at + 1 : at + 1 + more], "little") if more else short)
        at += 1 + more
        found += block[at : at + length]
        at += length
    assert size == len(found)
    return found


def streams_of(body: bytes) -> list[Stream]:
    """The streams of an unpacked push."""
    request = _request_class().FromString(body)
    return [Stream(_labels(stream.labels), [_entry(e) for e in stream.entries]) for stream in request.streams]


def _entry(entry: Any) -> tuple[int, str, dict[str, str]]:
    time_ns = entry.timestamp.seconds * 10**9 + entry.timestamp.nanos
    return time_ns, entry.line, {pair.name: pair.value for pair in entry.metadata}


def _labels(text: str) -> dict[str, str]:
    found, rest = {}, text.removeprefix("{")
    while match := re.match(r",?(\w+)=", rest):
        value, end = json.JSONDecoder().raw_decode(rest, match.end())
        found[match[1]], rest = value, rest[end:]
    assert "}" == rest, f"no label set: {text}"
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    found = shift = 0
    while data[at] & 128:
        found |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
    return found | data[at] << shift, at + 1


def _request_class() -> Any:
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(name="push.proto", package="loki_wire", syntax="proto3")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for number, field_name, kind in fields:
            made = message.field.add(name=field_name, number=number, label=_Proto.LABEL_OPTIONAL)
            if kind in _FIELDS:
                made.type, made.type_name = _Proto.TYPE_MESSAGE, f".loki_wire.{kind}"
                made.label = made.label if field_name in _SINGLE else _Proto.LABEL_REPEATED
            else:
                made.type = _NUMBERS[kind]
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("loki_wire.PushRequest"))
