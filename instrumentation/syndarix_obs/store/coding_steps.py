"""Tools and permissions of coding agents, as the store knows them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.records.model import Record

if TYPE_CHECKING:
    import sqlite3

_MOST: Final = 20_000
_KINDS: Final = f"kind IN ('{v.KIND_TOOL_CALL}', '{v.KIND_DECISION}') AND agent_type = 'coding'"
_SELECT: Final = "SELECT id, trace_id, span_id, kind, tool, end_ns, extra FROM records WHERE"
_OF_TRACE: Final = f"{_SELECT} trace_id = ? AND {_KINDS} LIMIT {_MOST}"
_NEW: Final = f"{_SELECT} id > ? AND {_KINDS} ORDER BY id LIMIT {_MOST}"
_BEFORE_NS: Final = 3_600 * 1_000_000_000
_AFTER_NS: Final = 10 * 1_000_000_000
_STAND_ASIDE: Final = (
    f"UPDATE records SET kind = '{v.KIND_SPAN}', decision_type = NULL, extra = json_set(coalesce(extra, '{{}}'),"
    f" '$.attributes', json_patch(coalesce(json_extract(extra, '$.attributes'), '{{}}'),"
    f" json_object('{v.SET_ASIDE_REASON}', '{v.ASIDE_SAME_CALL}', '{v.SET_ASIDE_BY}', ?)))"
    f" WHERE session_id = ? AND ts_ns BETWEEN ? AND ? AND record_id = ? AND {_KINDS}"
)


@dataclass(frozen=True, slots=True)
class Told:
    """One telling of a step. `tool` is the name, `call_id` None where the source gives none."""

    trace_id: str
    span_id: str
    kind: str
    tool: str
    call_id: str | None
    end_ns: int
    scope: str


def of_trace(connection: sqlite3.Connection, trace_id: str) -> list[Told]:
    """All of a trace."""
    return [_told(row) for row in connection.execute(_OF_TRACE, (trace_id,))]


def since(connection: sqlite3.Connection, record: int) -> tuple[list[Told], int]:
    """Those behind the record with this `id`, and the `id` up to which records were looked at."""
    last = connection.execute("SELECT coalesce(max(id), 0) FROM records").fetchone()[0]
    rows = connection.execute(_NEW, (record,)).fetchall() if last > record else []
    if len(rows) == _MOST:
        last = rows[-1]["id"]
    return [_told(row) for row in rows], last


def replaced(record: Record) -> tuple[str, tuple[Any, ...]] | None:
    """The statement by which a record takes the place of another report of the same step, None for all others."""
    span_id = record.attributes.get(v.REPLACES)
    if span_id is None:
        return None
    first, last = record.start_ns - _BEFORE_NS, record.end_ns + _AFTER_NS
    return _STAND_ASIDE, (record.span_id, record.session_id, first, last, f"{record.trace_id}:{span_id}")


def _told(row: Any) -> Told:
    extra: dict[str, Any] = json.loads(row["extra"]) if row["extra"] else {}
    attributes = extra.get("attributes") or {}
    call_id = extra.get("call_id") or attributes.get(v.GEN_AI_TOOL_CALL_ID)
    return Told(
        row["trace_id"], row["span_id"], row["kind"], row["tool"] or attributes.get(v.GEN_AI_TOOL_NAME) or "",
        None if call_id is None else str(call_id), row["end_ns"], attributes.get(v.OTEL_SCOPE_NAME) or "",
    )  # fmt: skip
