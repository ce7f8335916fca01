"""Single records: listed, searched, followed, and all of one trace."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.store import schema, search
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import COUNTED_UP_TO, Rows, StoredRecord
from syndarix_obs_read.backends.sql.conditions import DEFAULT_KINDS, Where, bindable, of_records, over, pico_at_least

_WITH_PAYLOAD: Final = "r.*, unpack(p.body) AS body"
_JOIN: Final = "records r LEFT JOIN payloads p ON p.id = r.id"


def stored(row: Any) -> StoredRecord:
    """A row of `records` (with `body` beside it, if asked for; any mapping) as a record."""
    found = dict(row)
    body = found.pop("body", None)
    return StoredRecord(schema.fields(found), found["level"], _payload(body))


def _payload(body: str | None) -> dict[str, Any]:
    try:
        payload = json.loads(body) if body else {}
    except ValueError:  # somebody else wrote it
        return {}
    return payload if isinstance(payload, dict) else {}


def listed(connection: sqlite3.Connection, where: Filter, limit: int, payloads: bool) -> Rows[StoredRecord]:
    """Records that fit, newest first; how many there are is counted unless a text is searched."""
    if where.kinds == (v.KIND_COST,):
        return _ledger_lines(connection, where, limit)
    if where.text:
        return _containing(connection, where, limit, payloads)
    kinds, conditions = where.kinds or DEFAULT_KINDS, of_records(where)
    source = _source(where, kinds, conditions, limit + 1)
    columns, join = (_WITH_PAYLOAD, _JOIN) if payloads else ("r.*", "records r")
    statement = f"SELECT {columns} FROM {join} WHERE r.id IN ({source.sql}) ORDER BY r.ts_ns DESC, r.id DESC LIMIT ?"
    rows = connection.execute(statement, (*source.values, limit + 1)).fetchall()
    found = [stored(row) for row in rows[:limit]]
    return _page(found, len(rows) > limit, lambda: _count(connection, conditions, kinds))


def with_fields(connection: sqlite3.Connection, where: Filter, names: Sequence[str], limit: int) -> Rows[StoredRecord]:
    """The same with some of their fields: what has no column is read out of `extra`."""
    if where.text or where.kinds == (v.KIND_COST,):
        return listed(connection, where, limit, payloads=False)
    kinds, conditions = where.kinds or DEFAULT_KINDS, of_records(where)
    source = _source(where, kinds, conditions, limit + 1)
    wanted = tuple(dict.fromkeys((*_ALWAYS, *where.named(), *names)))
    columns = [name for name in wanted if name in schema.RECORD_COLUMNS]
    others = [name for name in wanted if name not in schema.RECORD_COLUMNS and name in names]
    shown = ", ".join((*(f'r."{name}"' for name in columns), *(["r.extra"] if others else [])))
    statement = f"SELECT {shown} FROM records r WHERE r.id IN ({source.sql}) ORDER BY r.ts_ns DESC, r.id DESC LIMIT ?"
    rows = connection.execute(statement, (*source.values, limit + 1)).fetchall()
    found = [_partly(columns, others, row) for row in rows[:limit]]
    return _page(found, len(rows) > limit, lambda: _count(connection, conditions, kinds))


_ALWAYS: Final = ("kind", "record_id", "ts_ns", "end_ns", "status", "level")


def _partly(columns: Sequence[str], others: Sequence[str], row: sqlite3.Row) -> StoredRecord:
    data = {name: value for name, value in zip(columns, row, strict=False) if value is not None and value != ""}
    data["start_ns"] = data.pop("ts_ns")
    level = data.pop("level")
    for name in schema.BOOLEAN_COLUMNS & data.keys():
        data[name] = bool(data[name])
    extra = json.loads(row["extra"]) if others and row["extra"] else {}
    return StoredRecord(data | {name: extra[name] for name in others if name in extra}, level)


def edge_calls(connection: sqlite3.Connection, field: str, ids: Iterable[str]) -> list[StoredRecord]:
    """The first and the last model call of each run, with payloads; `field` is the column of their ids."""
    chosen = (
        f"SELECT r.id FROM records r WHERE r.{_EDGE_COLUMNS[field]} = ? AND +r.kind = ?"
        " AND coalesce(r.operation, '') <> ? ORDER BY r.ts_ns {way} LIMIT 1"
    )
    one = f"SELECT {_WITH_PAYLOAD} FROM {_JOIN} WHERE r.id = ({chosen})"
    statements = [one.replace("{way}", way) for way in ("ASC", "DESC")]
    return [
        stored(row)
        for each in ids
        for statement in statements
        for row in connection.execute(statement, (bindable(each), v.KIND_LLM_CALL, v.OPERATION_EMBEDDINGS))
    ]


_EDGE_COLUMNS: Final = {"trace_id": "trace_id", "session_id": "session_id"}


def _page(rows: list[StoredRecord], more: bool, count: Any) -> Rows[StoredRecord]:
    return Rows(tuple(rows), more, max(count(), len(rows) + 1) if more else len(rows))


def _source(where: Filter, kinds: tuple[str, ...], conditions: Where, limit: int) -> Where:
    """Ids of the newest rows that fit, found through the index that narrows most."""
    order = "ORDER BY r.ts_ns DESC, r.id DESC LIMIT ?"
    if where.status == v.STATUS_ERROR and not (where.trace_id or where.session_id):
        # Written out, so that the partial index of errors serves: they are few, and it has them in order.
        marks = ", ".join("?" * len(kinds))
        failed = f"r.status = '{v.STATUS_ERROR}' AND +r.kind IN ({marks})"
        one = f"SELECT r.id FROM records r INDEXED BY records_errors WHERE {failed} AND {conditions.sql} {order}"
        return Where([one], [*kinds, *conditions.values, limit])
    if where.trace_id or where.session_id or where.agent:
        marks = ", ".join("?" * len(kinds))
        # The plus keeps SQLite from the index by kind, which would read the whole period.
        one = f"SELECT r.id FROM records r WHERE {conditions.sql} AND +r.kind IN ({marks}) {order}"
        return Where([one], [*conditions.values, *kinds, limit])
    # One ordered walk per kind stops after `limit` rows; a walk over several kinds would have to sort the period.
    each = f"SELECT id FROM (SELECT r.id FROM records r WHERE r.kind = ? AND {conditions.sql} {order})"
    values = [value for kind in kinds for value in (kind, *conditions.values, limit)]
    return Where([" UNION ALL ".join([each] * len(kinds))], values)


def _count(connection: sqlite3.Connection, conditions: Where, kinds: tuple[str, ...]) -> int:
    marks = ", ".join("?" * len(kinds))
    statement = f"SELECT count(*) FROM (SELECT 1 FROM records r WHERE r.kind IN ({marks}) AND {conditions.sql} LIMIT ?)"
    return int(connection.execute(statement, (*kinds, *conditions.values, COUNTED_UP_TO)).fetchone()[0])


def _containing(connection: sqlite3.Connection, where: Filter, limit: int, payloads: bool) -> Rows[StoredRecord]:
    conditions = of_records(where)
    conditions.among("r.kind", where.kinds or DEFAULT_KINDS)
    rows = search.find(
        connection,
        where.text or "",
        columns=_WITH_PAYLOAD if payloads else "r.*",
        where=conditions.sql,
        parameters=conditions.values,
        limit=limit + 1,
    )
    found = sorted((stored(row) for row in rows[:limit]), key=lambda record: -record.start_ns)
    return Rows(tuple(found), len(rows) > limit, None if len(rows) > limit else len(found))


def of_trace(connection: sqlite3.Connection, trace_id: str, limit: int, payloads: bool) -> Rows[StoredRecord]:
    """Records of one trace, oldest first, and its sessions that still run."""
    trace_id = bindable(trace_id)
    columns, join = (_WITH_PAYLOAD, _JOIN) if payloads else ("r.*", "records r")
    statement = f"SELECT {columns} FROM {join} WHERE r.trace_id = ? ORDER BY r.ts_ns, r.id LIMIT ?"
    rows = [stored(row) for row in connection.execute(statement, (trace_id, limit + 1))]
    running = [
        _running(row)
        for row in connection.execute(
            "SELECT * FROM sessions WHERE trace_id = ? AND status = ? ORDER BY started_ns LIMIT ?",
            (trace_id, v.STATUS_RUNNING, limit),
        )
    ]
    more = len(rows) + len(running) > limit
    total = len(rows) + len(running)
    if more:
        total = connection.execute("SELECT count(*) FROM records WHERE trace_id = ?", (trace_id,)).fetchone()[0]
        total += len(running)
    return Rows((*running, *rows)[:limit], more, total)


def ids_beginning(connection: sqlite3.Connection, beginning: str, limit: int) -> list[str]:
    """Ids of traces that begin so, found by skipping along the index."""
    beginning = bindable(beginning)
    found: list[str] = []
    after = beginning
    comparison = ">="
    while len(found) < limit:
        statement = f"SELECT trace_id FROM records WHERE trace_id {comparison} ? ORDER BY trace_id LIMIT 1"
        row = connection.execute(statement, (after,)).fetchone()
        if row is None or not row[0].startswith(beginning):
            break
        after, comparison = row[0], ">"
        if after:
            found.append(after)
    running = connection.execute(
        "SELECT DISTINCT trace_id FROM sessions WHERE status = ? AND substr(trace_id, 1, ?) = ? LIMIT ?",
        (v.STATUS_RUNNING, len(beginning), beginning, limit),
    )
    return sorted({*found, *(row[0] for row in running)})[:limit]


def last_id(connection: sqlite3.Connection) -> int:
    """The highest id there is: what comes later has a higher one."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM records").fetchone()[0])


def arrived(connection: sqlite3.Connection, where: Filter, after: int, limit: int) -> tuple[list[StoredRecord], int]:
    """Records that arrived after an id and fit, in the order of arrival; and the id that was looked at last."""
    last = last_id(connection)
    conditions = of_records(where)
    conditions.among("+r.kind", where.kinds or DEFAULT_KINDS)
    conditions.add("r.id > ?", after)
    conditions.add("r.id <= ?", last)
    columns = f"{_WITH_PAYLOAD}, r.id AS row_id"
    if where.text:
        rows = search.find(
            connection, where.text, columns=columns, where=conditions.sql, parameters=conditions.values, limit=limit
        )
        found = [dict(row) for row in reversed(rows)]
    else:
        statement = f"SELECT {columns} FROM {_JOIN} WHERE {conditions.sql} ORDER BY r.id LIMIT ?"
        found = [dict(row) for row in connection.execute(statement, (*conditions.values, limit))]
        if len(found) == limit:
            last = found[-1]["row_id"]
    return [stored(row) for row in found], last


IN_LEDGER: Final = (
    "agent", "project", "user", "session_id", "trace_id", "task_type", "service", "environment", "model", "status",
)  # fmt: skip
"""Filters that are columns of the ledger."""


def of_ledger(where: Filter, question: str) -> Where:
    """Conditions over `ledger l`; a filter that the ledger does not know is refused."""
    where.allow(question, "kinds", "min_cost_usd", *IN_LEDGER)
    found = over("l", where, time="ts_ns", columns=IN_LEDGER)
    if where.min_cost_usd is not None:
        found.add("l.cost_pico >= ?", pico_at_least(where.min_cost_usd))
    return found


def _ledger_lines(connection: sqlite3.Connection, where: Filter, limit: int) -> Rows[StoredRecord]:
    conditions = of_ledger(where, "the ledger")
    statement = f"SELECT * FROM ledger l WHERE {conditions.sql} ORDER BY l.ts_ns DESC, l.id DESC LIMIT ?"
    rows = connection.execute(statement, (*conditions.values, limit + 1)).fetchall()
    counting = f"SELECT count(*) FROM (SELECT 1 FROM ledger l WHERE {conditions.sql} LIMIT ?)"

    def count() -> int:
        return int(connection.execute(counting, (*conditions.values, COUNTED_UP_TO)).fetchone()[0])

    return _page([_ledger_record(row) for row in rows[:limit]], len(rows) > limit, count)


def _ledger_record(row: sqlite3.Row) -> StoredRecord:
    data = {name: row[name] for name in schema.LEDGER_COLUMNS if row[name] is not None and name != "cost_pico"}
    data["start_ns"] = data["end_ns"] = data.pop("ts_ns")
    for name in schema.BOOLEAN_COLUMNS & data.keys():
        data[name] = bool(data[name])
    return StoredRecord({"kind": v.KIND_COST, "name": "cost", **data})


def _running(row: sqlite3.Row) -> StoredRecord:
    """A session that has not ended, in the shape of its record."""
    data = {name: row[name] for name in schema.SESSION_COLUMNS if row[name] is not None}
    start = data.pop("started_ns")
    end = data.pop("last_progress_ns")
    name = f"invoke_agent {data.get('agent', '')}".strip()
    return StoredRecord({"kind": v.KIND_SESSION, "name": name, "start_ns": start, "end_ns": end, **data})
