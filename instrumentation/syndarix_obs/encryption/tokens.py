"""How content stands where it is encrypted: `enc:1:` key id `:` base64 of what AES-SIV (RFC 5297) made of it.

The cipher is deterministic: one user's same text gives the same token, so that the store still keeps it once, and
another user's gives another. Long texts are compressed first.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs.encryption.key_file import Key

MARK_CHARS: Final = 16
"""Hex digits of a message's fingerprint, which may be encrypted with the message."""

_COMPRESS_FROM: Final = 512
_PLAIN, _PACKED, _MARKED, _MARKED_PACKED = b"j", b"z", b"m", b"y"


class Unreadable(ValueError):
    """The token was changed or cut."""


def encrypt(key: Key, text: str, mark: str = "") -> str:
    """The token of a text.

    Args:
        key: of the user whose text it is.
        text: JSON text.
        mark: fingerprint to keep with it, 16 hex digits; empty for none.
    """
    data = (mark + text).encode("utf-8", "replace")
    packed = zlib.compress(data, 1) if len(data) >= _COMPRESS_FROM else data
    kinds = (_MARKED, _MARKED_PACKED) if mark else (_PLAIN, _PACKED)
    whole = kinds[1] + packed if len(packed) < len(data) else kinds[0] + data
    return f"{v.ENCRYPTED_PREFIX}{key.id}:{b64encode(key.cipher.encrypt(whole, None)).decode().rstrip('=')}"


def decrypt(key: Key, encoded: str) -> tuple[str, str]:
    """The text of a token, and the mark that was kept with it.

    Args:
        key: the one that the token names.
        encoded: base64 of the token.

    Raises:
        Unreadable: it was changed or cut, or is of another key.
    """
    from cryptography.exceptions import InvalidTag

    try:
        whole = key.cipher.decrypt(b64decode(encoded + "=" * (-len(encoded) % 4)), None)
    except (InvalidTag, ValueError) as error:
        raise Unreadable("the token was changed or cut") from error
    kind, data = whole[:1], whole[1:]
    text = (zlib.decompress(data) if kind in (_PACKED, _MARKED_PACKED) else data).decode()
    return (text[MARK_CHARS:], text[:MARK_CHARS]) if kind in (_MARKED, _MARKED_PACKED) else (text, "")
