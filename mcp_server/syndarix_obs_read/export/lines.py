"""Lines of JSON straight from the columns of the store: the same text as by way of a dict, in a third of the time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any, Final

from syndarix_obs.store.schema import BOOLEAN_COLUMNS, COMMON_COLUMNS, KIND_COLUMNS, fields, payload_text
from syndarix_obs_read.export import rows as r
from syndarix_obs_read.export.formats import jsonl
from syndarix_obs_read.export.privacy import OURS, WithoutSecrets

_PLAIN: Final = (*(name for name in (*COMMON_COLUMNS, *KIND_COLUMNS) if name != "cost_usd"), "cost_usd")
_COLUMNS: Final = ("kind", "ts_ns", "duration_ns", "level", "extra", *_PLAIN)
_KEYS: Final = tuple((f',"{name}":', name not in OURS, name in BOOLEAN_COLUMNS) for name in _PLAIN)
"""How a column begins in a line, whether a caller may have filled it, and whether it is a truth value."""


def lines(
    connection: sqlite3.Connection, choice: r.Choice, after: int, last: int, gate: WithoutSecrets
) -> Iterator[list[str]]:
    """Pages of lines of records whose id is above `after` and not above `last`, secrets masked."""
    named = ", ".join(f'r."{name}"' for name in _COLUMNS)
    for page in r.raw_pages(connection, choice, f"unpack(p.body), {named}", after, last):
        yield [_line(row[2:], payload_text(row[1]), gate) for row in page]


def _line(row: tuple[Any, ...], body: str | None, gate: WithoutSecrets) -> str:
    kind, start, duration, _, extra, *plain = row
    parts = [f'{{"kind":"{kind}","start_ns":{start}']
    new = []
    for value, (key, is_theirs, is_truth) in zip(plain, _KEYS, strict=True):
        if value is None or value == "":
            continue
        if type(value) is str:
            if is_theirs and value not in gate.clean:
                new.append(value)
            parts.append(key + encode_basestring(value))
        else:
            parts.append(key + (("true" if value else "false") if is_truth else repr(value)))
    if not gate.passes(new, extra):
        found = fields(dict(zip(_COLUMNS, row, strict=True)))
        return jsonl([gate((found, body))])
    parts.append(f',"duration_ms":{duration / 1e6!r}')
    if extra:
        parts.append(f",{extra[1:-1]}")
    if body:
        parts.append(f',"payload":{gate.payload(body)}')
    parts.append("}\n")
    return "".join(parts)
