"""Content once: what an agent sends again with every call stands in the store once and is referred to.

A payload is cut into what is likely to come again (each message, the system prompt, the set of tools, any other large
field) and what is not. A history grows at its end, so a list of messages is a list of its own content: the longest
beginning that is known already, and what came since. Both keep a long session linear, in bytes and in work.

In a payload's `body`, after one byte `\\x01`, `\\x02ID\\x03` stands for a content and `\\x04ID\\x03` for the
fingerprints of its messages. No JSON text holds such characters. `contents.refs` counts how often a content is referred
to; the last reference that goes takes it along.
"""

from __future__ import annotations

import json
import re
import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final

from syndarix_obs.store.splitting import Item, Part, split

WHOLE_BELOW: Final = 1_024
"""Characters of a payload below which it is stored whole: references would take more than they save."""
_COMPRESS_FROM: Final = 512
_REFERRING: Final = b"\x01"
_LIST: Final = "\x05"
_MARK: Final = re.compile(r"([\x02\x04])([0-9]+)\x03")
_COUNTED: Final = re.compile(r"\x02([0-9]+)\x03")
_LOST: Final = '"[lost]"'
_STEP: Final = 500
_READ: Final = "SELECT body, mark FROM contents WHERE id = ?"
_INSERT: Final = "INSERT INTO contents (hash, refs, mark, body) VALUES (?, 1, ?, ?)"
_REFERRING_ONLY: Final = "typeof(body) = 'blob' AND substr(body, 1, 1) = x'01'"


def is_referring(body: str | bytes | None) -> bool:
    """Whether a payload's body refers to contents."""
    return isinstance(body, bytes) and body.startswith(_REFERRING)


def stored(connection: sqlite3.Connection, text: str) -> bytes | None:
    """Store what a payload consists of; the body that refers to it, or None when it is to be stored whole.

    Args:
        connection: a writing one, inside of a transaction.
        text: JSON text that can be encoded.
    """
    parts = split(text) if len(text) >= WHOLE_BELOW else None
    if parts is None:
        return None
    (key,) = connection.execute("SELECT value FROM meta WHERE key = 'content_key'").fetchone()
    writing = _Writing(connection, key)
    return _REFERRING + "".join(part if isinstance(part, str) else writing.part(part) for part in parts).encode()


def text_of(connection: sqlite3.Connection, body: bytes) -> str:
    """The JSON text of a payload, put together again; what a damaged file has lost reads `[lost]`."""
    found: dict[str, list[tuple[str, str | None]]] = {}

    def put(match: re.Match[str]) -> str:
        kind, number = match.groups()
        if number not in found:
            found[number] = _items(connection, int(number))
        if kind == "\x02":
            return ",".join(text for text, _ in found[number])
        return ",".join(f'"{mark}"' for _, mark in found[number])

    return _MARK.sub(put, body[1:].decode())


def delete_payloads(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Delete payloads, and the contents that nothing refers to any more. Call it inside of a transaction."""
    marks = json.dumps(list(ids))
    some = "id IN (SELECT value FROM json_each(?))"
    bodies = connection.execute(f"SELECT body FROM payloads WHERE {some} AND {_REFERRING_ONLY}", (marks,)).fetchall()
    connection.execute(f"DELETE FROM payloads WHERE {some}", (marks,))
    _release(connection, Counter(number for (body,) in map(tuple, bodies) for number in _referred(body[1:].decode())))


def sweep(connection: sqlite3.Connection) -> int:
    """Count all references anew and delete the contents that have none, as when payloads went in another way; returns
    how many went. Reads every payload. Call it inside of a transaction."""
    counts: Counter[int] = Counter()
    for (body,) in map(tuple, connection.execute(f"SELECT body FROM payloads WHERE {_REFERRING_ONLY}")):
        counts.update(_referred(body[1:].decode()))
    reached, pending = set(counts), list(counts)
    while pending:
        row = connection.execute(_READ, (pending.pop(),)).fetchone()
        numbers = _referred(row[0]) if row is not None else []
        counts.update(numbers)
        pending += [number for number in dict.fromkeys(numbers) if number not in reached]
        reached.update(numbers)
    there = [row[0] for row in connection.execute("SELECT id FROM contents")]
    gone = [(number,) for number in there if number not in reached]
    connection.executemany("DELETE FROM contents WHERE id = ?", gone)
    connection.executemany(
        "UPDATE contents SET refs = ?1 WHERE id = ?2 AND refs <> ?1", [(counts[n], n) for n in there if n in reached]
    )
    return len(gone)


def _release(connection: sqlite3.Connection, counts: Counter[int]) -> None:
    """Take references away, and what has none left, and so on."""
    while counts:
        connection.executemany("UPDATE contents SET refs = refs - ? WHERE id = ?", [(n, i) for i, n in counts.items()])
        numbers, counts = list(counts), Counter()
        for start in range(0, len(numbers), _STEP):
            some = json.dumps(numbers[start : start + _STEP])
            where = "refs < 1 AND id IN (SELECT value FROM json_each(?))"
            for row in connection.execute(f"SELECT body FROM contents WHERE {where}", (some,)).fetchall():
                counts.update(_referred(row[0]))
            connection.execute(f"DELETE FROM contents WHERE {where}", (some,))


def _referred(body: str | bytes) -> Iterable[int]:
    """What a body refers to: numbers of contents, each as often as it stands there."""
    if isinstance(body, bytes):
        return []
    if body.startswith(_LIST):
        return [number for number in map(int, body[1:].split(",")) if number]
    return [int(number) for number in _COUNTED.findall(body)]


def _items(connection: sqlite3.Connection, number: int) -> list[tuple[str, str | None]]:
    """Text and fingerprint of a content, or of every message of a list."""
    row = connection.execute(_READ, (number,)).fetchone()
    later: list[list[int]] = []
    while row is not None and isinstance(row[0], str) and row[0].startswith(_LIST):
        before, *own = map(int, row[0][1:].split(","))
        later.append(own)
        if not before:
            return [item for each in reversed(later) for one in each for item in _items(connection, one)]
        number, row = before, connection.execute(_READ, (before,)).fetchone()
    if later:  # a list whose beginning is lost
        return [(_LOST, ""), *(item for each in reversed(later) for one in each for item in _items(connection, one))]
    if row is None:
        return [(_LOST, "")]
    return [(zlib.decompress(row[0]).decode() if isinstance(row[0], bytes) else row[0], row[1])]


class _Writing:
    """Stores the parts of one payload.

    Args:
        connection: a writing one, inside of a transaction.
        key: the store's own, under which contents are known.
    """

    def __init__(self, connection: sqlite3.Connection, key: bytes) -> None:
        self._connection = connection
        self._key = key
        self._made: dict[int, int] = {}

    def part(self, part: Part) -> str:
        """What stands in the body for a part."""
        place = id(part.items)
        if part.fingerprints:
            return f"\x04{self._made[place]}\x03"
        self._made[place] = self._items(part.items)
        return f"\x02{self._made[place]}\x03"

    def _items(self, items: Sequence[Item]) -> int:
        hashes = [self._hash(b"item", text.encode(), mark.encode()) for text, mark in items]
        if len(items) == 1:
            return self._known_or(hashes[0], lambda: self._insert(hashes[0], items[0][1] or None, _packed(items[0][0])))
        chain = [b""]
        for each in hashes:
            chain.append(self._hash(b"list", chain[-1], each))
        length, before = self._beginning(chain)
        if length == len(items):
            return before
        own = [
            self._known_or(each, lambda each=each, item=item: self._insert(each, item[1] or None, _packed(item[0])))  # type: ignore[misc]
            for each, item in zip(hashes[length:], items[length:], strict=True)
        ]
        return self._insert(chain[-1], None, f"{_LIST}{','.join(map(str, (before, *own)))}")

    def _beginning(self, chain: list[bytes]) -> tuple[int, int]:
        """How many of the messages form a list that is known, and its number, which is referred to from now on."""
        for length in range(len(chain) - 1, 1, -1):
            found = self._known(chain[length])
            if found:
                return length, found
        return 0, 0

    def _known_or(self, digest: bytes, insert: Callable[[], int]) -> int:
        return self._known(digest) or insert()

    def _known(self, digest: bytes) -> int:
        """The number of a content, now referred to once more; 0 when it is new."""
        row = self._connection.execute("SELECT id FROM contents WHERE hash = ?", (digest,)).fetchone()
        if row is None:
            return 0
        self._connection.execute("UPDATE contents SET refs = refs + 1 WHERE id = ?", (row[0],))
        return int(row[0])

    def _insert(self, digest: bytes, mark: str | None, body: str | bytes) -> int:
        return int(self._connection.execute(_INSERT, (digest, mark, body)).lastrowid or 0)

    def _hash(self, kind: bytes, *texts: bytes) -> bytes:
        return blake2b(b"\x00".join(texts), key=self._key, person=kind, digest_size=16).digest()


def _packed(text: str) -> Any:
    if len(text) < _COMPRESS_FROM:
        return text
    raw = text.encode()
    packed = zlib.compress(raw)
    return packed if len(packed) < len(raw) else text
