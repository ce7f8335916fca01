"""Reports of model calls that other processes put into the store, for the counting ledger of one that takes them too.

Read only, by indexes that are there anyway: a trace's records, a session's lines, and whatever came last.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.records.model import CostRecord
from syndarix_obs.store import coding_steps
from syndarix_obs.store.database import open_for_read
from syndarix_obs.store.schema import LEDGER_COLUMNS, VOID_SUFFIX

_MOST: Final = 20_000
"""Lines or spans of one trace or session that are read."""
_OF_LINE: Final = "r.ts_ns = l.ts_ns AND r.record_id = l.trace_id || ':' || l.span_id"
_NO_FIELD: Final = {"ts_ns", "cost_pico"}
_PRICES: Final = ("cost_per_input_token", "cost_per_output_token", "total_cost_usd")
_PLAIN: Final = tuple(name for name in LEDGER_COLUMNS if name not in {*_NO_FIELD, *_PRICES})
_SELECT: Final = (
    f"SELECT {', '.join(f'l.{chr(34)}{name}{chr(34)}' for name in LEDGER_COLUMNS)}, r.name, r.end_ns AS r_end_ns,"
    " r.operation, r.first_token_s, r.extra FROM ledger l"
)
_BY_TRACE: Final = (
    f"{_SELECT.removesuffix('FROM ledger l')} FROM records r JOIN ledger l ON l.ts_ns = r.ts_ns"
    " AND l.record_id >= r.record_id || ':cost' AND l.record_id < r.record_id || ':cosu'"
    f" WHERE r.trace_id = ? AND r.kind IN ('{v.KIND_LLM_CALL}', '{v.KIND_SPAN}') ORDER BY l.id LIMIT {_MOST}"
)
_BY_SESSION: Final = (
    f"{_SELECT} LEFT JOIN records r ON {_OF_LINE} WHERE l.session_id = ? ORDER BY l.id DESC LIMIT {_MOST}"
)
_BY_SPAN: Final = (
    f"{_SELECT} LEFT JOIN records r ON {_OF_LINE} WHERE l.ts_ns = ? AND l.record_id >= ? AND l.record_id < ?"
    " ORDER BY l.id"
)
_PARENTS: Final = (
    f"SELECT span_id, parent_id FROM records WHERE trace_id = ? AND kind != '{v.KIND_SESSION}' LIMIT {_MOST}"
)
_NEWS: Final = (
    "SELECT id, record_id, ts_ns, trace_id, span_id, session_id FROM ledger WHERE id > ? ORDER BY id"
    f" LIMIT {_MOST}"
)


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as it stands in the store: its newest line, and whether that stands.

    `revision` is how often the line was made anew. `scope` is empty for a call of an agent's own process.
    """

    line: CostRecord
    standing: bool
    revision: int
    scope: str
    response_id: str | None
    asked: str | None
    operation: str
    stream: bool
    first_token_s: float | None


@dataclass(frozen=True, slots=True)
class News:
    """A line that was written since the last look, by anybody."""

    record_id: str
    start_ns: int
    trace_id: str
    span_id: str
    session_id: str | None


class StoredReports:
    """Reads the store at `path`; opens it when it is there. For one thread.

    Every method raises StoreError or sqlite3.Error when the store cannot be read just now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._seen_to = self._steps_to = 0

    def ready(self) -> bool:
        """Open what is to be read; False while there is no store."""
        try:
            about = self._path.stat()
        except OSError:
            return False
        identity = (about.st_dev, about.st_ino)
        if self._connection is None or identity != self._identity:
            if about.st_size == 0:
                return False
            self.close()
            self._connection, self._identity = open_for_read(self._path), identity
            self._seen_to = self._rows("SELECT coalesce(max(id), 0) FROM ledger")[0][0]
            self._steps_to = self._rows("SELECT coalesce(max(id), 0) FROM records")[0][0]
        return True

    def of_trace(self, trace_id: str) -> list[StoredReport]:
        """All reports of a trace that were ever counted."""
        return list(_reports(self._rows(_BY_TRACE, trace_id)))

    def of_session(self, session_id: str) -> list[StoredReport]:
        """Those of a session, in whatever trace; the newest ones of a very long session."""
        return list(_reports(reversed(self._rows(_BY_SESSION, session_id))))

    def of_line(self, found: News) -> StoredReport | None:
        """The report that a line belongs to."""
        base = f"{found.trace_id}:{found.span_id}"
        rows = self._rows(_BY_SPAN, found.start_ns, f"{base}:cost", f"{base}:cosu")
        return next(_reports(rows), None)

    def parents(self, trace_id: str) -> list[tuple[str, str | None]]:
        """The spans of a trace, each with the one above it; without sessions, which may be told of by several."""
        return [(row[0], row[1]) for row in self._rows(_PARENTS, trace_id)]

    def news(self) -> list[News]:
        """Lines since the last call, or since the store was opened."""
        rows = self._rows(_NEWS, self._seen_to)
        if rows:
            self._seen_to = rows[-1][0]
        return [News(*row[1:]) for row in rows]

    def steps(self, trace_id: str) -> list[coding_steps.Told]:
        """Tools and permissions of coding agents in a trace."""
        return [] if self._connection is None else coding_steps.of_trace(self._connection, trace_id)

    def new_steps(self) -> list[coding_steps.Told]:
        """Those that came since the last call, or since the store was opened."""
        if self._connection is None:
            return []
        found, self._steps_to = coding_steps.since(self._connection, self._steps_to)
        return found

    def close(self) -> None:
        """Give the file back; it is opened again when it is needed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        if self._connection is None:
            return []
        return self._connection.execute(statement, values).fetchall()


def _reports(rows: Iterable[Any]) -> Iterator[StoredReport]:
    """One for each span: its newest line, which stands unless another takes it back."""
    newest: dict[str, tuple[int, Any]] = {}
    gone: set[str] = set()
    for row in rows:
        record_id = row["record_id"]
        if record_id.endswith(VOID_SUFFIX):
            gone.add(record_id.removesuffix(VOID_SUFFIX))
            continue
        base, _, number = record_id.partition(":cost")
        revision = int(number[1:]) - 1 if number[1:].isdigit() else 0
        if base not in newest or newest[base][0] <= revision:
            newest[base] = (revision, row)
    for revision, row in newest.values():
        yield _report(row, revision, standing=row["record_id"] not in gone)


def _report(row: Any, revision: int, *, standing: bool) -> StoredReport:
    extra: dict[str, Any] = json.loads(row["extra"]) if row["extra"] else {}
    attributes = extra.get("attributes") or {}
    start = row["ts_ns"]
    values = {name: row[name] for name in _PLAIN} | {name: _decimal(row[name]) for name in _PRICES}
    line = CostRecord(
        **values | {"priced": bool(row["priced"]), "estimated": bool(row["estimated"])},
        name=row["name"] or "", start_ns=start, end_ns=row["r_end_ns"] or start,
    )  # fmt: skip
    return StoredReport(
        line, standing, revision, attributes.get(v.OTEL_SCOPE_NAME) or attributes.get(v.SET_ASIDE_REPORTER) or "",
        extra.get("response_id"), extra.get("request_model"), row["operation"] or v.OPERATION_CHAT,
        bool(extra.get("stream")), row["first_token_s"],
    )  # fmt: skip


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
