"""From a record to what is bound to an INSERT. Each class of records has one shape, worked out once.

The statement of a shape names only the columns that its class fills: a tool call binds 30 values, not 48.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.records.model import CostRecord, Record, SessionRecord
from syndarix_obs.store.contents import WHOLE_BELOW, stored
from syndarix_obs.store.schema import (
    COMMON_COLUMNS,
    KIND_COLUMNS,
    LARGEST_INTEGER,
    LEDGER_COLUMNS,
    SESSION_COLUMNS,
    pico,
)

COMPRESS_FROM: Final = 8192
"""Characters from which a payload is compressed: below, the time costs more than the space is worth."""

_NOT_EXTRA = frozenset({"start_ns", "payload", "attributes", "events", *COMMON_COLUMNS, *KIND_COLUMNS})
_LEDGER_PLAIN = LEDGER_COLUMNS[: LEDGER_COLUMNS.index("cost_per_input_token")]
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str, check_circular=False).encode

Values = tuple[Any, ...]


def _insert(table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"


INSERT_PAYLOAD: Final = "INSERT INTO payloads (id, bytes, body) VALUES (?, ?, ?)"
INSERT_LEDGER: Final = _insert("ledger", LEDGER_COLUMNS)
UPSERT_SESSION: Final = (
    _insert("sessions", SESSION_COLUMNS).removesuffix("DO NOTHING")
    + "(session_id, span_id) DO UPDATE SET "
    + ", ".join(
        f'"{column}" = excluded."{column}"'
        for column in SESSION_COLUMNS
        if column not in {"session_id", "span_id", "last_progress_ns"}
    )
    + ", last_progress_ns = max(last_progress_ns, excluded.last_progress_ns)"
    # The first end of a run stands; a pending row that arrives late must not reopen it.
    + f" WHERE sessions.status = '{v.STATUS_RUNNING}'"
)
MOVE_PROGRESS: Final = (
    f"UPDATE sessions SET last_progress_ns = :ns"
    f" WHERE session_id = :session AND last_progress_ns < :ns AND status = '{v.STATUS_RUNNING}'"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How one class of records is stored: its INSERT, and the fields behind it."""

    statement: str
    values: Callable[[Record], tuple[Any, ...]]
    extra_fields: tuple[str, ...]
    money_at: int | None

    @classmethod
    def of(cls, kind: type[Record]) -> Shape:
        """Work out the shape of a class of records."""
        own = [f.name for f in fields(kind)]
        filled = tuple(name for name in KIND_COLUMNS if name in own)
        columns = ("kind", "ts_ns", "duration_ns", "level", *COMMON_COLUMNS, *filled)
        getter = attrgetter(*("start_ns" if name == "ts_ns" else name for name in columns))
        money_at = columns.index("cost_usd") if "cost_usd" in filled else None
        extra = tuple(name for name in own if name not in _NOT_EXTRA)
        return cls(_insert("records", (*columns, "extra")), getter, extra, money_at)

    def bind(self, record: Record) -> Values:
        """The values of the statement, in order."""
        values = self.values(record)
        if self.money_at is not None and values[self.money_at] is not None:
            values = (*values[: self.money_at], str(values[self.money_at]), *values[self.money_at + 1 :])
        return (*values, self._extra(record))

    def _extra(self, record: Record) -> str | None:
        extra: dict[str, Any] = {}
        for name in self.extra_fields:
            value = getattr(record, name)
            if value is not None and value != "":
                extra[name] = value
        if record.attributes:
            extra["attributes"] = dict(record.attributes)
        if record.events:
            extra["events"] = [
                {"name": e.name, "timestamp_ns": e.timestamp_ns, "attributes": dict(e.attributes)}
                for e in record.events
            ]
        return _to_json(extra) if extra else None


_shapes: dict[type[Record], Shape] = {}


def shape_of(record: Record) -> Shape:
    """The shape of a record's class."""
    kind = type(record)
    shape = _shapes.get(kind)
    if shape is None:
        shape = _shapes[kind] = Shape.of(kind)
    return shape


def payload_values(text: str, once: Callable[[str], bytes | None] = lambda _text: None) -> tuple[int, str | bytes]:
    """Size in bytes, and the body as it is stored: references to contents, text, or compressed when long.

    Args:
        text: JSON text.
        once: stores its contents and gives the body that refers to them; None for texts that are to be stored whole.
    """
    if len(text) < WHOLE_BELOW and text.isascii():
        return len(text), text
    raw = text.encode(errors="replace")
    body = once(raw.decode())
    if body is not None:
        return len(raw), body
    return len(raw), (raw.decode() if len(text) < COMPRESS_FROM else zlib.compress(raw, 1))


def put_payload(connection: sqlite3.Connection, number: int, text: str) -> None:
    """Store the payload of the record with this `id`, which has none yet. Call it inside of a transaction."""
    size, body = payload_values(text, lambda whole: stored(connection, whole))
    connection.execute(INSERT_PAYLOAD, (number, size, body))


_ledger_values = attrgetter(*("start_ns" if name == "ts_ns" else name for name in _LEDGER_PLAIN))


def ledger_values(record: CostRecord) -> Values:
    """The values of `INSERT_LEDGER`."""
    total = record.total_cost_usd
    return (
        *_ledger_values(record),
        _text(record.cost_per_input_token), _text(record.cost_per_output_token), _text(total), pico(total),
    )  # fmt: skip


def session_values(record: SessionRecord) -> Values:
    """The values of `UPSERT_SESSION`; a running session has no end yet."""
    running = record.status == v.STATUS_RUNNING
    return (
        record.session_id or record.trace_id, record.span_id, record.trace_id, record.record_id, record.agent,
        record.agent_type, record.agent_version, record.project, record.user, record.task_type,
        record.service, record.environment, record.status, record.outcome, record.error_type,
        record.error_message, record.start_ns, None if running else record.end_ns,
        max(record.start_ns, record.end_ns),
    )  # fmt: skip


def breaks_search(record: Record) -> bool:
    """True when a text of the record holds a NUL, at which SQLite's text functions and its index stop
    reading."""
    return "\x00" in f"{record.name}{record.error_type}{record.error_message}"


def storable(values: Values) -> Values:
    """The same values, forced into what SQLite can hold and search: for rows that it would refuse."""
    return tuple(_storable(value) for value in values)


def _storable(value: Any) -> Any:
    if value is None or isinstance(value, (float, bytes)):
        return value
    if isinstance(value, int):
        return max(-LARGEST_INTEGER, min(int(value), LARGEST_INTEGER))
    text = value if isinstance(value, str) else str(value)
    return text.encode(errors="replace").decode().replace("\x00", "\ufffd")


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)
