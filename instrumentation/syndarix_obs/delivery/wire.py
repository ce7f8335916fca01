"""Protobuf's wire format, as much of it as is written by hand here, and snappy blocks around it.

A message is the concatenation of its fields: one is put together from encoded parts, without any message objects.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_ONE_BYTE: Final = tuple(bytes((number,)) for number in range(128))
_LONGEST_LITERAL: Final = b"\xfc"
"""Snappy's tag of a literal whose length less one follows in four bytes."""


def varint(number: int) -> bytes:
    """A number of up to 64 bits, not negative, in protobuf's variable length."""
    if number < 128:
        return _ONE_BYTE[number]
    if number < 1 << 14:
        return bytes((number & 127 | 128, number >> 7))
    if number < 1 << 21:
        return bytes((number & 127 | 128, number >> 7 & 127 | 128, number >> 14))
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(tag: bytes, data: bytes) -> bytes:
    """A length-delimited field."""
    return tag + varint(len(data)) + data


def snappy_block(parts: Iterable[bytes | memoryview], size: int) -> bytes:
    """`parts`, together `size` bytes (below 4 GiB, above 0), as a snappy block of one literal: framed, not compressed.

    The format asks for a block, not for compression, which would cost more than it saves on one machine; for others
    there is gzip around it.
    """
    return b"".join((varint(size), _LONGEST_LITERAL, (size - 1).to_bytes(4, "little"), *parts))
