"""From a line in Loki back to the record that it was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import EQUAL, Filter
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.backends.stack.clients.loki import Line
from syndarix_obs_read.backends.stack.queries.logql import needles
from syndarix_obs_read.backends.stack.queries.quoting import sendable

_LAST_FIELD: Final = re.compile(r',"duration_ms":[0-9.eE+-]+')
"""Every line has it behind its plain fields; only `attributes`, `events` and the payload follow."""
_SEARCHED: Final = ("name", "error_type", "error_message")
_BEHIND: Final = ("attributes", "events")
_NEXT: Final = re.compile(r'\}|,"(?!attributes"|events")\w*"')
"""What shows that nothing but the payload follows: the end, or a whole other key."""
_decode = json.JSONDecoder().raw_decode


def record(line: Line, *, payload: bool) -> StoredRecord | None:
    """The record of a line that is whole, or, without its payload, cut within that; None for any other line."""
    found = _split(line.text)
    if found is None:
        return None
    data, at = found
    rest = _object("{" + line.text[at + 1 :]) if payload else None
    return StoredRecord(data, line.level, rest or {})


def head(line: Line) -> StoredRecord | None:
    """The plain fields of a line that may be cut anywhere behind them; None when they are not whole."""
    for match in _LAST_FIELD.finditer(line.text):
        if data := _object(line.text[: match.end()] + "}"):
            return StoredRecord(data, line.level)
    return None


def is_ours(line: Line) -> bool:
    """Whether a line, cut or not, begins like a record."""
    return line.text.startswith('{"kind":"')


def payload_text(line: Line) -> str:
    """The payload of a whole line, as the JSON text that it was."""
    found = _split(line.text)
    return "{" + line.text[found[1] + 1 :] if found and line.text[found[1]] == "," else ""


def once(records: Iterable[StoredRecord]) -> list[StoredRecord]:
    """Each record once: a line may have been delivered twice, and a session's last line replaces its first."""
    found: dict[str, StoredRecord] = {}
    for each in records:
        known = found.setdefault(each.text("record_id"), each)
        if known is not each and is_running(known):
            found[each.text("record_id")] = each
    return list(found.values())


def is_running(found: StoredRecord) -> bool:
    """Whether this is the line that a session wrote when it started."""
    return found.text("status") == v.STATUS_RUNNING


def fits(where: Filter, found: StoredRecord, line: Line | None = None) -> bool:
    """Whether a record fits everything in the filter but `kinds`; `line` is needed for a text."""
    return bool(
        where.since_ns <= found.start_ns < where.until_ns
        and all(found.text(name) == value for name, value in _equal(where))
        and (where.level is None or found.level in where.levels())
        and (where.min_duration_ns is None or found.end_ns - found.start_ns >= where.min_duration_ns)
        and (where.min_cost_usd is None or float(found.get("cost_usd") or "-inf") >= float(where.min_cost_usd))
        and (not where.looped or found.get("loop_count") is not None)
        and (not where.text or line is None or _contains(where.text, found, line))
    )


@lru_cache(16)
def _equal(where: Filter) -> tuple[tuple[str, str], ...]:
    """What must have a value, as it stands in lines: worked out once for the thousands that are checked."""
    return tuple((name, sendable(value)) for name in EQUAL if (value := getattr(where, name)) is not None)


def _contains(text: str, found: StoredRecord, line: Line) -> bool:
    texts = [each.lower() for each in (*map(found.text, _SEARCHED), payload_text(line))]
    return any(needle.lower() in each for needle in needles(text) for each in texts)


def _split(text: str) -> tuple[dict[str, Any], int] | None:
    """The fields of a line, and where the payload (or the end) begins; None when that is cut off."""
    for match in _LAST_FIELD.finditer(text):
        end = match.end()
        data = _object(text[:end] + "}")
        if data is None:
            continue  # a section of a context may have this name
        try:
            for name in _BEHIND:
                if text.startswith(f',"{name}":', end):
                    data[name], end = _decode(text, end + len(name) + 4)
        except ValueError:
            return None
        return (data, end) if _NEXT.match(text, end) else None
    return None


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
