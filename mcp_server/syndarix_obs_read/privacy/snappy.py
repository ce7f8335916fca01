"""Read snappy's framing format, in which Loki keeps blocks of lines: enough to search what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

MAGIC: Final = b"\xff\x06\x00\x00sNaPpY"
_COMPRESSED, _PLAIN = 0x00, 0x01
_CHECKSUM: Final = 4


def frames(data: bytes, at: int) -> Iterator[bytes]:
    """The chunks of a stream that begins at `at`, unpacked; ends at the first thing that is no chunk."""
    at += len(MAGIC)
    while at + 4 <= len(data):
        kind, size = data[at], int.from_bytes(data[at + 1 : at + 4], "little")
        body = data[at + 4 + _CHECKSUM : at + 4 + size]
        if at + 4 + size > len(data) or (kind not in (_COMPRESSED, _PLAIN) and kind < 0x80):
            return
        try:
            if kind == _COMPRESSED:
                yield block(body)
            elif kind == _PLAIN:
                yield body
        except (IndexError, ValueError):
            return
        at += 4 + size


def block(data: bytes) -> bytes:
    """A block of snappy. Raises IndexError or ValueError for what is none."""
    at = shift = size = 0
    while True:
        byte = data[at]
        at += 1
        size |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            at = _literal(data, at, tag >> 2, out)
            continue
        at = _copy(data, at, tag, out)
    if len(out) != size:
        raise ValueError("not as long as it says")
    return bytes(out)


def _literal(data: bytes, at: int, length: int, out: bytearray) -> int:
    extra = max(0, length - 59)
    if extra:
        length = int.from_bytes(data[at : at + extra], "little")
        at += extra
    out += data[at : at + length + 1]
    return at + length + 1


def _copy(data: bytes, at: int, tag: int, out: bytearray) -> int:
    kind = tag & 3
    if kind == 1:
        length, offset, used = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at], 1
    else:
        used = 2 if kind == 2 else 4
        length, offset = (tag >> 2) + 1, int.from_bytes(data[at : at + used], "little")
    if not 0 < offset <= len(out):
        raise ValueError("a copy from before the beginning")
    start = len(out) - offset
    if offset >= length:
        out += out[start : start + length]
    else:
        piece = bytes(out[start:])
        out += (piece * (length // offset + 1))[:length]
    return at + used
