"""Texts that were encrypted under a key of their user, as they were said; `[erased]` where the key is gone."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from syndarix_obs import vocabulary as v
from syndarix_obs.encryption import KEY_FILE, TOKEN
from syndarix_obs_read.backends.rows import RawLine, Rows, Series, SessionRow, StoredRecord

if TYPE_CHECKING:
    from syndarix_obs.encryption.key_file import Key, PayloadKeys

ERASED: Final = "[erased]"
"""Stands for a text whose key was erased."""
_UNREADABLE: Final = "[encrypted: it was cut or changed]"
_NO_KEYS: Final = "[encrypted: the file of keys cannot be read]"
_NO_LIBRARY: Final = "[encrypted: pip install 'syndarix-obs[payload-keys]']"
_TROUBLE: Final = (ImportError, OSError, sqlite3.Error)
_QUOTED: Final = re.compile(f'"{TOKEN.pattern}"')
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
T = TypeVar("T")


class Texts:
    """Reads tokens with the keys of one home folder. Without a file of keys there, everything is left as it is.

    Args:
        home: the folder; None for none.
        only: key of one user alone: what is another's reads `[another person]`.
    """

    def __init__(self, home: Path | None, only: str | None = None) -> None:
        self._home = home
        self._keys: PayloadKeys | None = None
        self._only = only

    def __bool__(self) -> bool:
        """Whether anybody has a key here, or had one."""
        return self._home is not None and (self._home / KEY_FILE).exists()

    def rows(self, found: Rows[T]) -> Rows[T]:
        """Every row of a page, readable."""
        return replace(found, rows=tuple(self.all(found.rows))) if self else found

    def all(self, found: Iterable[T]) -> list[T]:
        """Every row of some, readable."""
        return [self._row(each) for each in found] if self else list(found)

    def lines(self, found: Rows[RawLine] | Rows[Series]) -> Rows[RawLine] | Rows[Series]:
        """The lines of a raw query, readable; series hold no texts."""
        if not self or not found.rows or isinstance(found.rows[0], Series):
            return found
        return self.rows(found)

    async def following(self, feed: AsyncIterator[StoredRecord]) -> AsyncIterator[StoredRecord]:
        """Records as they arrive, readable."""
        async for each in feed:
            yield self._row(each) if self else each

    def value(self, value: Any) -> Any:
        """Any JSON value with what is encrypted in it readable."""
        if isinstance(value, str):
            return self._pair(value)[0] if v.ENCRYPTED_PREFIX in value else value
        if isinstance(value, Mapping):
            return {name: self.value(each) for name, each in value.items()}
        return [self.value(each) for each in value] if isinstance(value, (list, tuple)) else value

    def payload(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """A payload, readable, with the fingerprints of its messages where they were."""
        from syndarix_obs.encryption.payload import opened

        return opened(payload, self._pair)

    def body(self, body: str) -> str:
        """The JSON text of a payload, readable."""
        return _encode(self.payload(json.loads(body))) if v.ENCRYPTED_PREFIX in body else body

    def _row(self, row: Any) -> Any:
        if isinstance(row, StoredRecord):
            payload = self.payload(row.payload) if v.ENCRYPTED_PREFIX in _encode(row.payload) else row.payload
            return StoredRecord(self.value(row.data), row.level, payload)
        if isinstance(row, SessionRow):
            return replace(row, error_message=self.value(row.error_message))
        if isinstance(row, RawLine):
            return replace(row, text=_QUOTED.sub(self._in_text, row.text))
        return self.value(row)

    def _key(self, key_id: str) -> Key | None:
        from syndarix_obs.encryption.key_file import PayloadKeys

        if self._keys is None and self._home is not None:
            self._keys = PayloadKeys(self._home)
        return self._keys.find(key_id) if self._keys else None

    def _in_text(self, match: re.Match[str]) -> str:
        return _encode(self._pair(match[0][1:-1])[0])

    def _pair(self, value: Any) -> tuple[Any, str]:
        match = TOKEN.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return (self.value(value) if isinstance(value, (Mapping, list)) else value), ""
        from syndarix_obs.encryption.tokens import Unreadable, decrypt

        try:
            key = self._key(match[1])
            if key is None:
                return ERASED, ""
            if self._only not in (None, key.owner):
                return "[another person]", ""
            text, mark = decrypt(key, match[2])
        except Unreadable:
            return _UNREADABLE, ""
        except _TROUBLE as error:
            return (_NO_LIBRARY if isinstance(error, ImportError) else _NO_KEYS), ""
        return json.loads(text), mark
