"""Hashes that say "the same as before" of texts that are no longer there.

A fingerprint is keyed: who does not hold the key of the data folder can neither make one nor try out texts against it.
Prompt and tool hashes are not keyed, since they compare the same agent across machines.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.guard import guarded
from syndarix_obs.pipeline import messages
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.redaction.jsonable import dumps
from syndarix_obs.redaction.jsontext import compact_encoder

_REMEMBERED: Final = 65_536
"""Characters of a system prompt whose hash is remembered."""
_FIELDS: Final = ("system", "input", "output")
_MOST_MESSAGES: Final = 1_024
_LONGEST_MESSAGE: Final = 8_192
"""Characters of a message whose fingerprint is remembered: 8 MB of texts at most, and most of them live anyway."""
_canonical: Final = compact_encoder(json.JSONEncoder().default, allow_nan=False, sort_keys=True)


def canonical(value: Any) -> str:
    """JSON text that is equal for equal values, whatever the order of their keys; of any object."""
    try:
        return _canonical(value)
    except (TypeError, ValueError, RecursionError):
        return _canonical(json.loads(dumps(value)))


def fingerprint(key: bytes, value: Any) -> str:
    """16 hex digits for a value, under a key of up to 64 bytes."""
    return blake2b(canonical(value).encode("utf-8", "replace"), key=key, digest_size=8).hexdigest()


class Fingerprints:
    """Fingerprints of every message of a payload.

    Args:
        key: asked once, on the worker.
    """

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._ask = key
        self._key: bytes | None = None
        self._plain = lru_cache(maxsize=_MOST_MESSAGES)(self._of_plain)

    def of(self, payload: Mapping[str, Any]) -> dict[str, list[str]]:
        """Field → one fingerprint for each of its messages."""
        if self._key is None:
            self._key = self._ask()
        return {
            name: [self._one(self._key, message) for message in messages.as_list(payload[name])]
            for name in _FIELDS
            if payload.get(name) is not None
        }

    def _one(self, key: bytes, message: Any) -> str:
        """An agent sends its history again with every call: Python keeps the hash of a text, so a message that was
        seen before costs one look."""
        if type(message) is dict and len(message) == 2:
            role, content = message.get("role"), message.get("content")
            if type(role) is str and type(content) is str and len(content) <= _LONGEST_MESSAGE:
                return self._plain(role, content)
        return fingerprint(key, message)

    def _of_plain(self, role: str, content: str) -> str:
        return fingerprint(self._key or b"", {"role": role, "content": content})


@guarded("agent_version")
def set_hashes(span: FinishedSpan) -> None:
    """Short one-way hashes of system prompt, tool definitions and both, before redaction: they change when the agent
    does."""
    attributes = span.attributes
    prompt, tools = messages.template(span.payload), span.payload.get("tools")
    if prompt:
        attributes[v.PROMPT_HASH] = "p_" + (_prompt_hash if len(prompt) <= _REMEMBERED else digest)(prompt)
    if tools:
        attributes[v.TOOLSET_HASH] = "t_" + digest(tools)
    if not (prompt or tools) or attributes.get(v.AGENT_VERSION) or span.correlation.agent_version:
        return
    known = tools is None and len(prompt) <= _REMEMBERED
    attributes[v.AGENT_VERSION] = _version_of_prompt(prompt) if known else _version(prompt, tools)


def digest(value: Any) -> str:
    """12 hex digits for a value."""
    return blake2b(dumps(value).encode(), digest_size=6).hexdigest()


def _version(prompt: str, tools: Any = None) -> str:
    return digest([prompt, tools])


# The same system prompt comes with every call of an agent.
_version_of_prompt = lru_cache(maxsize=16)(_version)
_prompt_hash = lru_cache(maxsize=16)(digest)
