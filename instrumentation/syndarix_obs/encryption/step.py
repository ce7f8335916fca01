"""The last step with `payload_keys`: what somebody said or was told is encrypted under that user's key.

Encrypted are payloads, previews, error messages, texts of events, and every text attribute that is not known to be
plain. What it takes to sum, group and find stays readable: ids, names of agents, models and tools, times, numbers,
costs, and which tool was chosen. Spans without a user have no key and stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.encryption.key_file import Key, PayloadKeys
from syndarix_obs.encryption.payload import encrypted
from syndarix_obs.encryption.tokens import encrypt
from syndarix_obs.pipeline.cut import cut, size_of
from syndarix_obs.pipeline.erased import remove_person
from syndarix_obs.pipeline.payload import ATTRIBUTE_LIMIT, PLAIN
from syndarix_obs.records.anonymous import TOOL_SELECTION
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import Record

_QUOTING: Final = frozenset({"exception.message", "exception.stacktrace"})
_CHOICES: Final = frozenset({v.DECISION_OPTIONS, v.DECISION_SELECTED})
_READABLE: Final = PLAIN - _QUOTING
_ROOM: Final = 1_450
"""Bytes of a text whose token is no longer than an attribute may be, even if it cannot be compressed."""


class EncryptStep:
    """Encrypts the content of spans and of records that are not a span's.

    Args:
        keys: of the platform's home folder.
        on_truncate: called with the site of every cut: a token is a third longer than its text.
    """

    def __init__(self, keys: PayloadKeys, on_truncate: Callable[[str], None] = lambda _site: None) -> None:
        self._keys = keys
        self._on_truncate = on_truncate

    def __call__(self, span: FinishedSpan) -> None:
        """Change the span in place. Raises what `PayloadKeys.of` does: without a key no content may leave."""
        user = span.attributes.get(v.USER_ID)
        if not user:
            return
        key = self._keys.of(str(user))
        if key is None:  # erased since the step before
            remove_person(span)
            return
        if span.payload_json:
            span.payload_json = encrypted(span.payload_json, key)
        if span.status_message:
            span.status_message = self._text(span.status_message, key)
        span.attributes = self._attributes(span.attributes, key)
        span.events = [replace(event, attributes=self._attributes(event.attributes, key)) for event in span.events]
        span.checked = ()

    def record(self, record: Record) -> Record:
        """A record that is not a span's, for example a line of a log; in place, it is not handed out yet."""
        if not record.user:
            return record
        key = self._keys.of(record.user)
        payload = encrypted(record.payload, key) if key and record.payload else None
        message = self._text(record.error_message, key) if key and record.error_message else None
        attributes = self._attributes(record.attributes, key) if key else {}
        for name, value in (("payload", payload), ("error_message", message), ("attributes", attributes)):
            object.__setattr__(record, name, value)
        return record

    def _attributes(self, attributes: Mapping[str, Any], key: Key) -> dict[str, Any]:
        chosen = _CHOICES if attributes.get(v.DECISION_TYPE) == TOOL_SELECTION else frozenset()
        return {
            name: value if name in _READABLE or name in chosen else self._value(value, key)
            for name, value in attributes.items()
        }

    def _value(self, value: Any, key: Key) -> Any:
        if type(value) is str:
            return self._text(value, key)
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], str):
            return tuple(self._text(str(each), key) for each in value)
        return value

    def _text(self, text: str, key: Key) -> str:
        token = encrypt(key, json.dumps(text, ensure_ascii=False))
        if len(token) <= ATTRIBUTE_LIMIT:
            return token
        if size_of(text) > _ROOM:
            self._on_truncate("attribute")
            text = cut(text, _ROOM, keep_end=True)
        return encrypt(key, json.dumps(text, ensure_ascii=False))
