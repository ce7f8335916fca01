"""A payload's JSON text, cut where it is likely to come again. Joined, the pieces are the text, byte for byte."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from json import decoder
from typing import Any, Final

Item = tuple[str, str]
"""Text of a message or a field, and its fingerprint; that is empty where there is none."""

_MESSAGES: Final = frozenset({"system", "input", "output"})
_HASHES: Final = "hashes"
_LARGE: Final = 512
"""Characters from which any other field is a content of its own."""
_SHORT: Final = 24
"""Characters that an item of a list of messages has at least, on average."""
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{16}")
_json: Any = decoder  # not all of it is in the type stubs
_scanstring: Final = _json.scanstring
_scan: Final = _json.JSONDecoder().scan_once


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Items that are stored once.

    `inside` says that they are those of a list, whose brackets stand around them; `fingerprints` is True for the place
    where their fingerprints stand, as quoted texts.
    """

    items: tuple[Item, ...]
    inside: bool = False
    fingerprints: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the object: where its value begins and ends, and, of a list of messages, the text of each."""

    name: str
    start: int
    end: int
    texts: tuple[str, ...]


def split(text: str) -> list[str | Part] | None:
    """What stands between contents, and the contents, in order; None when there is nothing to gain.

    Args:
        text: compact JSON text of an object, as the pipeline writes it.
    """
    try:
        fields = fields_of(text)
    except (ValueError, IndexError, StopIteration, RecursionError):
        return None
    if len({field.name for field in fields}) < len(fields):
        return None
    marks = fingerprints_of(text, fields[-1]) if fields and fields[-1].name == _HASHES else {}
    parts = {field.name: part for field in fields if (part := _part(text, field, marks.get(field.name, [])))}
    return _pieces(text, fields, parts, marks) if parts else None


def fields_of(text: str) -> list[Field]:
    """All fields. Raises ValueError for anything but a compact object."""
    found: list[Field] = []
    place, size = 0, len(text)
    if text[0] != "{":
        raise ValueError("no object")
    while text[place] in "{,":
        name, after = _scanstring(text, place + 2, False)
        if text[place + 1] != '"' or text[after] != ":":
            raise ValueError("not compact")
        start = after + 1
        texts: tuple[str, ...] = ()
        if name in _MESSAGES and text[start : start + 2] not in ("[]", "") and text[start] == "[":
            texts, place = _elements(text, start)
        else:
            _, place = _scan(text, start)
        found.append(Field(name, start, place, texts))
    if text[place] != "}" or place != size - 1:
        raise ValueError("not compact")
    return found


def _elements(text: str, place: int) -> tuple[tuple[str, ...], int]:
    """The text of each element of a list that begins here and is not empty, and where the list ends."""
    found: list[str] = []
    while text[place] != "]":
        if found and text[place] != ",":
            raise ValueError("not compact")
        _, after = _scan(text, place + 1)
        found.append(text[place + 1 : after])
        place = after
    return tuple(found), place + 1


def fingerprints_of(text: str, field: Field) -> dict[str, list[str]]:
    """Fingerprints by field, where they are written as the pipeline writes them."""
    raw = text[field.start : field.end]
    found: Any = json.loads(raw)
    usual = isinstance(found, dict) and all(
        isinstance(each, list) and all(isinstance(one, str) and _FINGERPRINT.fullmatch(one) for one in each)
        for each in found.values()
    )
    return found if usual and json.dumps(found, separators=(",", ":")) == raw else {}


def _part(text: str, field: Field, marks: list[str]) -> Part | None:
    """The contents of a field; None when it stays where it is."""
    if field.name == _HASHES:
        return None
    size, texts = field.end - field.start, field.texts
    inside = bool(texts) and size >= _SHORT * len(texts)  # shorter ones are numbers or words, and no messages
    if not inside:
        if size < _LARGE:
            return None
        texts = (text[field.start : field.end],)
    found = marks if len(marks) == len(texts) else [""] * len(texts)
    return Part(tuple(zip(texts, found, strict=True)), inside)


def _pieces(text: str, fields: list[Field], parts: dict[str, Part], marks: dict[str, list[str]]) -> list[str | Part]:
    pieces: list[str | Part] = []
    done = 0
    for field in fields:
        part = parts.get(field.name)
        if part is not None:
            pieces += (text[done : field.start + part.inside], part)
            done = field.end - part.inside
        elif field.name == _HASHES and marks:
            pieces.append(f"{text[done : field.start]}{{")
            pieces += _fingerprints(marks, parts)
            done = field.end - 1
    pieces.append(text[done:])
    return pieces


def _fingerprints(marks: dict[str, list[str]], parts: dict[str, Part]) -> list[str | Part]:
    pieces: list[str | Part] = []
    comma = ""
    for name, own in marks.items():
        part = parts.get(name)
        pieces.append(f'{comma}"{name}":[')
        if own and part is not None and [mark for _, mark in part.items] == own:
            pieces.append(Part(part.items, fingerprints=True))
        else:
            pieces.append(json.dumps(own, separators=(",", ":"))[1:-1])
        pieces.append("]")
        comma = ","
    return pieces
