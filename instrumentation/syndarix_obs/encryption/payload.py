"""A payload with every message and field of it encrypted by itself, and back.

Field by field, because an agent sends its history again with every call: what was there before gives the same tokens,
and the store keeps them once (`store.contents`). Names of fields and how many messages there are stay readable.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.encryption.key_file import Key
from syndarix_obs.encryption.tokens import encrypt
from syndarix_obs.store.splitting import Field, fields_of, fingerprints_of

WHOLE: Final = "encrypted"
"""The only field of a payload that could not be taken apart; and, in `hashes`, what stands with the messages."""
_SIZES: Final = '{"capture":"metadata"'
_HASHES: Final = "hashes"
Opened = Callable[[Any], tuple[Any, str]]
"""Reads a value that may be a token: what it holds, and the fingerprint that was kept with it."""


def encrypted(text: str, key: Key) -> str:
    """The JSON text of a payload, encrypted; sizes without content are left as they are."""
    if text.startswith(_SIZES):
        return text
    try:
        fields = fields_of(text)
    except (ValueError, IndexError, StopIteration, RecursionError):
        fields = []
    if not fields or len({field.name for field in fields}) < len(fields):
        return json.dumps({WHOLE: encrypt(key, text)})
    hashes = fields[-1] if fields[-1].name == _HASHES else None
    marks = fingerprints_of(text, hashes) if hashes else {}
    found = [f"{json.dumps(each.name)}:{_field(text, each, marks, key)}" for each in fields if each is not hashes]
    if hashes:
        with_messages = {
            each.name for each in fields if each.texts and len(marks.get(each.name, ())) == len(each.texts)
        }
        found.append(f'"{_HASHES}":{_hashes(text, hashes, marks, with_messages, key)}')
    return f"{{{','.join(found)}}}"


def opened(payload: Mapping[str, Any], read: Opened) -> dict[str, Any]:
    """A payload as it was before it was encrypted; one that was not is as it is."""
    if payload.keys() == {WHOLE} and isinstance(payload[WHOLE], str):
        whole = read(payload[WHOLE])[0]
        return whole if isinstance(whole, dict) else {WHOLE: whole}
    found: dict[str, Any] = {}
    marks: dict[str, list[str]] = {}
    for name, value in payload.items():
        if isinstance(value, list):
            pairs = [read(each) for each in value]
            found[name], marks[name] = [each for each, _ in pairs], [mark for _, mark in pairs]
        elif name == _HASHES and isinstance(value, Mapping):
            found[name] = {each: marks.get(each, []) if own == WHOLE else read(own)[0] for each, own in value.items()}
        else:
            found[name] = read(value)[0]
    return found


def is_encrypted(value: Any) -> bool:
    """Whether a value begins as a token."""
    return isinstance(value, str) and value.startswith(v.ENCRYPTED_PREFIX)


def _field(text: str, field: Field, marks: Mapping[str, list[str]], key: Key) -> str:
    if not field.texts:
        return f'"{encrypt(key, text[field.start : field.end])}"'
    own = marks.get(field.name, [])
    kept = own if len(own) == len(field.texts) else [""] * len(field.texts)
    return "[" + ",".join(f'"{encrypt(key, each, mark)}"' for each, mark in zip(field.texts, kept, strict=True)) + "]"


def _hashes(text: str, field: Field, marks: Mapping[str, list[str]], with_messages: set[str], key: Key) -> str:
    if not marks:
        return f'"{encrypt(key, text[field.start : field.end])}"'
    shown = {name: WHOLE if name in with_messages else encrypt(key, json.dumps(own)) for name, own in marks.items()}
    return json.dumps(shown, separators=(",", ":"))
