"""Cutting what is too long, and saying so: every cut text ends with the marker and its original size."""

from __future__ import annotations

import json
from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs.redaction.jsonable import dumps

_ROOM = 48
"""Bytes that the marker takes at most."""
_STACK_HEAD = 400


def size_of(text: str) -> int:
    """Bytes of the text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def cut(text: str, limit: int, *, keep_end: bool = False) -> str:
    """The text in at most `limit` bytes; when cut it ends with `…truncated N bytes`, N the original size.

    Args:
        text: what to shorten.
        limit: bytes of UTF-8, the marker included.
        keep_end: cut in the middle, because the end matters more (a stack trace).
    """
    size = size_of(text)
    if size <= limit:
        return text
    data, room = text.encode("utf-8", "replace"), max(0, limit - _ROOM)
    if keep_end and room > 2 * _STACK_HEAD:
        data = data[:_STACK_HEAD] + "\n…\n".encode() + data[size - (room - _STACK_HEAD - 5) :]
    else:
        data = data[:room]
    return f"{data.decode('utf-8', 'ignore')}{v.TRUNCATED_SUFFIX} {size} bytes"


def fit(text: str, limit: int) -> str:
    """JSON text of an object in at most `limit` bytes: its longest strings are cut, all alike, until it fits."""
    if len(text) * 4 <= limit:  # no need to count
        return text
    size = size_of(text)
    if size <= limit:
        return text
    document = json.loads(text)
    strings = _strings(document)
    budget = limit - (size - sum(length for length, _, _ in strings))
    for share in (1.0, 0.9, 0.5, 0.2):
        cap = _common_cap([length for length, _, _ in strings], int(budget * share))
        if cap > _ROOM:
            _shorten(strings, cap)
            shorter = dumps(document)
            if size_of(shorter) <= limit:
                return shorter
    return _outline(json.loads(text), limit, size)


def _strings(document: Any) -> list[tuple[int, Any, Any]]:
    """Every string value with its bytes of JSON and its place."""
    found, pending = [], [document]
    while pending:
        container = pending.pop()
        items = container.items() if isinstance(container, dict) else enumerate(container)
        for place, value in items:
            if isinstance(value, str):
                found.append((size_of(dumps(value)), container, place))
            elif isinstance(value, (dict, list)):
                pending.append(value)
    return found


def _common_cap(lengths: list[int], budget: int) -> int:
    """The largest cap with which the lengths, each cut to it, sum to no more than the budget."""
    left = len(lengths)
    for length in sorted(lengths):
        if length * left > budget:
            return max(0, budget // left)
        budget -= length
        left -= 1
    return max(lengths, default=0)


def _shorten(strings: list[tuple[int, Any, Any]], cap: int) -> None:
    for length, container, place in strings:
        if length > cap:
            container[place] = cut(container[place], cap)


def _outline(document: Any, limit: int, size: int) -> str:
    """The last resort, when there are too many small things: each field as the beginning of its JSON text."""
    if isinstance(document, dict) and document:
        room = limit // (2 * len(document)) - 100
        if room > _ROOM:
            text = dumps({key[:100]: cut(dumps(value), room) for key, value in document.items()})
            if size_of(text) <= limit:
                return text
    return dumps({"truncated": f"{v.TRUNCATED_SUFFIX} {size} bytes"})
