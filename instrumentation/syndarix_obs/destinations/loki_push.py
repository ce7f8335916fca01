"""The wire form of Loki's push API: `logproto.PushRequest` in protobuf, within a snappy block.

A frame holds a line as it is, ready to be copied into a request: its key is the stream's labels, `before` and `payload`
are the line, `after` are its structured metadata. So a line is never escaped into another format, and what is cut from
it later is cut from plain JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import attrgetter
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs.delivery.frames import Buffer, Frame, encode
from syndarix_obs.delivery.wire import field, snappy_block, varint
from syndarix_obs.records.anonymous import anonymous_line

_LONGEST_LABEL: Final = 1024
_SECOND: Final = 1_000_000_000
_STREAM, _LABELS, _ENTRY = b"\x0a", b"\x0a", b"\x12"
_TIMESTAMP, _LINE, _METADATA = b"\x0a", b"\x12", b"\x1a"
_SECONDS, _NANOSECONDS = b"\x08", b"\x10"
_NAME, _VALUE = b"\x0a", b"\x12"
_time = attrgetter("time_ns")
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def clean(text: str) -> bytes:
    """Text as UTF-8; what is not Unicode text (lone surrogates) becomes `?`, as one of them fails a whole push."""
    return text.encode("utf-8", "replace")


def labels_text(values: Sequence[str]) -> bytes:
    """A label set as `{name="value",…}`, from the values of `LOKI_LABELS` in order; empty ones are left out."""
    pairs = zip(v.LOKI_LABELS, values, strict=True)
    # A JSON string is a valid string of Loki's label syntax, too.
    return clean("{" + ",".join(f"{name}={_json(value[:_LONGEST_LABEL])}" for name, value in pairs if value) + "}")


def metadata_fields(metadata: Mapping[str, str]) -> bytes:
    """Structured metadata as fields of an entry."""
    return b"".join(metadata_field(metadata_name(name), clean(value)) for name, value in metadata.items())


def metadata_name(name: str) -> bytes:
    """The name of a structured metadatum, as `metadata_field` takes it."""
    return field(_NAME, name.encode())


def metadata_field(name: bytes, value: bytes) -> bytes:
    """One structured metadatum as a field of an entry."""
    size = varint(len(value))
    return b"".join((_METADATA, varint(len(name) + 1 + len(size) + len(value)), name, _VALUE, size, value))


def encode_line(line: str, payload: str | None, labels: bytes, metadata: bytes, time_ns: int) -> bytes:
    """A frame of one line: `line` is a JSON object, and the keys of the object `payload` go behind its own."""
    if not payload or payload == "{}":
        return encode(time_ns, labels, clean(line), b"", metadata)
    return encode(time_ns, labels, clean(line[:-1] + ","), memoryview(clean(payload))[1:], metadata)


def line_bytes(frame: Frame) -> int:
    """Bytes of the frame's line as Loki counts them."""
    return len(frame.before) + len(frame.payload)


def shorten(frame: Frame, keep: int) -> Frame | None:
    """Have the first `keep` characters of the payload as text under `truncated`, with a mark and its size in bytes."""
    if not frame.payload:
        return None
    text, size = "{" + bytes(frame.payload).decode(), len(frame.payload) + 1
    if text.startswith(f'{{"{v.LOG_TRUNCATED}":'):
        text, _, original = json.loads(text)[v.LOG_TRUNCATED].rpartition(v.TRUNCATED_SUFFIX)
        size = int(original)
    shorter = clean(f'"{v.LOG_TRUNCATED}":' + _json(f"{text[:keep]}{v.TRUNCATED_SUFFIX}{size}") + "}")
    return None if len(shorter) >= len(frame.payload) else replace(frame, payload=shorter)


def anonymous_frame(frame: Frame) -> Frame | None:
    """The frame without its person (`records.anonymous`); None when its line cannot be read."""
    try:
        head = bytes(frame.before)  # without the payload, whose keys may have the names of fields
        kept = anonymous_line(json.loads(head[:-1] + b"}" if frame.payload else head))
    except (ValueError, AttributeError):
        return None
    metadata = {name: str(kept[name]) for name in v.LOG_METADATA if kept.get(name)}
    return replace(frame, before=clean(_json(kept)), payload=b"", after=metadata_fields(metadata))


def push_body(frames: Iterable[Frame]) -> bytes:
    """One push: streams by label set, lines in order of time."""
    parts: list[Buffer] = []
    whole = 0
    for labels, stream in by_key(frames).items():
        place, size = len(parts), 0
        parts.append(b"")
        for frame in sorted(stream, key=_time):
            size += _add_entry(frame, parts)
        about = field(_LABELS, labels)
        parts[place] = _STREAM + varint(len(about) + size) + about
        whole += len(parts[place]) + size
    return snappy_block(parts, whole)


def _add_entry(frame: Frame, parts: list[Buffer]) -> int:
    """Add a line to the parts of a stream; returns its bytes."""
    seconds, nanoseconds = divmod(frame.time_ns, _SECOND)
    moment = _seconds(seconds) + varint(nanoseconds)
    line = len(frame.before) + len(frame.payload)
    head = b"".join((_TIMESTAMP, varint(len(moment)), moment, _LINE, varint(line)))
    inner = len(head) + line + len(frame.after)
    size = varint(inner)
    parts += (_ENTRY, size, head, frame.before, frame.payload, frame.after)
    return 1 + len(size) + inner


@lru_cache(maxsize=64)
def _seconds(seconds: int) -> bytes:
    return _SECONDS + varint(seconds) + _NANOSECONDS


def by_key(frames: Iterable[Frame]) -> dict[bytes, list[Frame]]:
    """Frames by what they belong to, in order."""
    groups: dict[bytes, list[Frame]] = {}
    for frame in frames:
        groups.setdefault(frame.key, []).append(frame)
    return groups
