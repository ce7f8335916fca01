"""One thing that waits for a destination, as bytes: what is written to the spool and what requests are made of.

A frame on disk is `length, crc32` and then a body of `time, sizes, key, before, payload, after`. The crc covers the
body, so that a frame that was cut off by a crash is seen for what it is.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from struct import Struct
from typing import Final

_PREFIX: Final = Struct("<II")
_SIZES: Final = Struct("<QHII")
_HEAD: Final = _PREFIX.size + _SIZES.size
_LARGE: Final = 16 * 1024
_MAX_TIME: Final = (1 << 64) - 1
Buffer = bytes | memoryview
LARGEST: Final = 256 * 1024 * 1024
"""Bytes; a length beyond this can only be damage."""


@dataclass(slots=True)
class Frame:
    """One record or span in a destination's own encoding.

    Args:
        time_ns: nanoseconds since the epoch under which the destination files it.
        key: frames with equal keys belong together in a request (a Loki stream, an instrumentation scope).
        before: encoded bytes ahead of the payload.
        payload: encoded payload, the part that may be given up when room is short; may be empty. One that was read
            from a spool and is large is a view of what was read.
        after: encoded bytes behind the payload.
        size: bytes it takes in the spool.
    """

    time_ns: int
    key: bytes
    before: bytes
    payload: Buffer = b""
    after: bytes = b""
    size: int = 0

    def encode(self) -> bytes:
        """The frame as it is written to the spool."""
        return encode(self.time_ns, self.key, self.before, self.payload, self.after)

    @property
    def bytes(self) -> int:
        """Bytes it adds to a request, roughly."""
        return len(self.before) + len(self.payload) + len(self.after)


def encode(time_ns: int, key: bytes, before: bytes, payload: Buffer = b"", after: bytes = b"") -> bytes:
    """A frame as it is written to the spool; the arguments are those of `Frame`. A payload is copied once."""
    time_ns = min(max(time_ns, 0), _MAX_TIME)
    head = _SIZES.pack(time_ns, len(key), len(before), len(payload)) + key + before
    crc = zlib.crc32(after, zlib.crc32(payload, zlib.crc32(head)))
    return b"".join((_PREFIX.pack(len(head) + len(payload) + len(after), crc), head, payload, after))


@dataclass(slots=True)
class Parsed:
    """What a stretch of bytes held.

    Args:
        frames: the whole frames, in order.
        used: bytes they took, damaged ones included.
        damaged: frames whose crc was wrong; they are skipped.
        wanted: bytes of the frame that comes next and is not all there; 0 when its length is not there either.
    """

    frames: list[Frame]
    used: int = 0
    damaged: int = 0
    wanted: int = 0


def parse(data: bytes) -> Parsed:
    """Read whole frames from the start of `data`; stops at a frame that is not complete."""
    found = Parsed([])
    view = memoryview(data)
    while len(data) - found.used >= _PREFIX.size:
        length, crc = _PREFIX.unpack_from(data, found.used)
        start, end = found.used + _PREFIX.size, found.used + _PREFIX.size + length
        if not _SIZES.size <= length <= LARGEST or end > len(data):
            found.wanted = length + _PREFIX.size
            break
        frame = _decode(data, start, end) if zlib.crc32(view[start:end]) == crc else None
        if frame is None:
            found.damaged += 1
        else:
            found.frames.append(frame)
        found.used = end
    return found


def _decode(data: bytes, start: int, end: int) -> Frame | None:
    time_ns, key_size, before_size, payload_size = _SIZES.unpack_from(data, start)
    key_end = start + _SIZES.size + key_size
    before_end = key_end + before_size
    payload_end = before_end + payload_size
    if payload_end > end:
        return None
    return Frame(
        time_ns,
        data[start + _SIZES.size : key_end],
        data[key_end:before_end],
        memoryview(data)[before_end:payload_end] if payload_size >= _LARGE else data[before_end:payload_end],
        data[payload_end:end],
        end - start + _PREFIX.size,
    )


def count(data: bytes) -> int:
    """How many whole frames there are in `data`."""
    return len(parse(data).frames)
