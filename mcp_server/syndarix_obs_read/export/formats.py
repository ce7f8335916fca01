"""Writers of parts: JSON lines, CSV, Parquet, OTLP as JSON lines. A part is whole on disk before it counts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from syndarix_obs import vocabulary as v
from syndarix_obs.store.schema import LEDGER_COLUMNS, RECORD_COLUMNS
from syndarix_obs_read.errors import UsageError
from syndarix_obs_read.export.rows import Entry, Row, What

NAMES: Final = ("jsonl", "csv", "parquet", "otlp")
"""Formats by name."""

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
_PAYLOAD: Final = "payload"
_GROUP: Final = 10_000
_NESTED: Final = ("attributes", "events", "options", "sections", "evicted", _PAYLOAD)
_MORE: Final = ("request_model", "response_id", "finish_reason", "stream", "service_tier", "call_id", "limit",
                "decision_id", "logger", "severity")  # fmt: skip
_INTEGERS: Final = frozenset({
    "start_ns", "end_ns", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
    "reasoning_tokens", "found", "loop_count", "tokens", "limit", "tokens_input", "tokens_output", "tokens_cache_read",
    "tokens_cache_write", "tokens_reasoning", "tokens_total",
})  # fmt: skip
_REALS: Final = frozenset({"duration_ms", "first_token_s", "confidence"})
_TRUTHS: Final = frozenset({"estimated", "priced", "passed", "stream"})


class Part(Protocol):
    """One file that is being written."""

    def write(self, entries: Sequence[Entry]) -> None:
        """Add entries."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


def columns_of(what: What) -> tuple[str, ...]:
    """Columns of CSV and Parquet."""
    if what == "ledger":
        return ("start_ns", *(name for name in LEDGER_COLUMNS if name not in ("ts_ns", "cost_pico")))
    plain = [name for name in RECORD_COLUMNS if name not in ("ts_ns", "duration_ns", "level", "extra")]
    return ("start_ns", "duration_ms", *plain, *_MORE, *_NESTED)


def require(format_name: str) -> None:
    """Raise UsageError when a format needs an extra that is not installed."""
    if format_name == "parquet":
        _pyarrow()


def open_part(format_name: str, path: Path, what: What) -> Part:
    """A part of a format. Raises UsageError when it needs an extra that is not installed."""
    if format_name == "csv":
        return _Csv(path, columns_of(what))
    if format_name == "parquet":
        return _Parquet(path, columns_of(what))
    return _Lines(path, otlp_line if format_name == "otlp" else jsonl)


def jsonl(entries: Sequence[Entry]) -> str:
    """A line per entry."""
    return "".join(
        f"{_dumps(row)}\n" if body is None else f'{_dumps(row)[:-1]},"payload":{body}}}\n' for row, body in entries
    )


class _Lines:
    def __init__(self, path: Path, encode: Any) -> None:
        self._file = path.open("w", encoding="utf-8", errors="replace")
        self._encode = encode

    def write(self, entries: Sequence[Entry]) -> None:
        self._file.write(self._encode(entries))

    def close(self) -> None:
        self._file.close()


class _Csv:
    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._file: io.TextIOBase = path.open("w", encoding="utf-8", errors="replace", newline="")
        self._columns = columns
        self._nested = [place for place, name in enumerate(columns) if name in _NESTED]
        self._payload = columns.index(_PAYLOAD) if _PAYLOAD in columns else None
        self._writer = csv.writer(self._file)
        self._writer.writerow(columns)

    def write(self, entries: Sequence[Entry]) -> None:
        self._writer.writerows(self._cells(row, body) for row, body in entries)

    def _cells(self, row: Row, body: str | None) -> list[Any]:
        cells = list(map(row.get, self._columns))
        for place in self._nested:
            if cells[place] is not None:
                cells[place] = _text(cells[place])
        if self._payload is not None:
            cells[self._payload] = body
        return cells

    def close(self) -> None:
        self._file.close()


class _Parquet:
    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._pa, pq = _pyarrow()
        self._schema = self._pa.schema([(name, self._type(name)) for name in columns])
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._held: list[Entry] = []

    def _type(self, name: str) -> Any:
        if name in _INTEGERS:
            return self._pa.int64()
        if name in _REALS:
            return self._pa.float64()
        return self._pa.bool_() if name in _TRUTHS else self._pa.string()

    def write(self, entries: Sequence[Entry]) -> None:
        self._held += entries
        if len(self._held) >= _GROUP:
            self._write_group()

    def _write_group(self) -> None:
        held, self._held = self._held, []
        there = {name for row, _ in held for name in row} | {_PAYLOAD}
        arrays = [
            self._column(field, held) if field.name in there else self._pa.nulls(len(held), field.type)
            for field in self._schema
        ]
        self._writer.write_table(self._pa.Table.from_arrays(arrays, schema=self._schema))

    def _column(self, field: Any, held: list[Entry]) -> Any:
        name = field.name
        if name == _PAYLOAD:
            return self._pa.array([body for _, body in held], type=field.type)
        values = [row.get(name) for row, _ in held]
        if name in _NESTED:
            values = [None if value is None else _text(value) for value in values]
        try:
            return self._pa.array(values, type=field.type)
        except (self._pa.ArrowInvalid, self._pa.ArrowTypeError):
            return self._pa.array(list(map(_text, values)), type=self._pa.string()).cast(field.type)

    def close(self) -> None:
        if self._held:
            self._write_group()
        self._writer.close()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise UsageError("Parquet needs pyarrow: pip install 'syndarix-obs[archive]', or use --format jsonl") from None
    return pa, pq


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _dumps(value)


# --- OTLP ---

_ATTRIBUTES: Final[Mapping[str, str]] = {
    "kind": v.KIND, "operation": v.GEN_AI_OPERATION_NAME, "provider": v.GEN_AI_PROVIDER_NAME,
    "request_model": v.GEN_AI_REQUEST_MODEL, "model": v.GEN_AI_RESPONSE_MODEL, "response_id": v.GEN_AI_RESPONSE_ID,
    "input_tokens": v.GEN_AI_USAGE_INPUT_TOKENS, "output_tokens": v.GEN_AI_USAGE_OUTPUT_TOKENS,
    "cache_read_tokens": v.GEN_AI_USAGE_CACHE_READ_TOKENS, "cache_write_tokens": v.GEN_AI_USAGE_CACHE_WRITE_TOKENS,
    "reasoning_tokens": v.GEN_AI_USAGE_REASONING_TOKENS, "agent": v.GEN_AI_AGENT_NAME, "tool": v.GEN_AI_TOOL_NAME,
    "session_id": v.SESSION_ID, "user": v.USER_ID, "error_type": v.ERROR_TYPE, "project": v.PROJECT,
    "agent_type": v.AGENT_TYPE, "agent_version": v.AGENT_VERSION, "task_type": v.TASK_TYPE, "cost_usd": v.COST_USD,
    "priced": v.PRICED, "estimated": v.COST_ESTIMATED, "decision_type": v.DECISION_TYPE,
    "selected": v.DECISION_SELECTED, "confidence": v.DECISION_CONFIDENCE, "options": v.DECISION_OPTIONS,
}  # fmt: skip


def otlp_line(entries: Sequence[Entry]) -> str:
    """Entries as one `ExportTraceServiceRequest` in OTLP's JSON form, on one line: the form of OTLP files."""
    by_resource: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row, body in entries:
        key = (str(row.get("service", "")), str(row.get("environment", "")))
        by_resource.setdefault(key, []).append(_span(row, body))
    batches = [
        {
            "resource": {"attributes": _pairs({v.SERVICE_NAME: service, v.DEPLOYMENT_ENVIRONMENT: environment})},
            "scopeSpans": [{"scope": {"name": "syndarix_obs"}, "spans": spans}],
        }
        for (service, environment), spans in by_resource.items()
    ]
    return _dumps({"resourceSpans": batches}) + "\n" if batches else ""


def _span(row: Row, body: str | None) -> dict[str, Any]:
    found = {name: row[key] for key, name in _ATTRIBUTES.items() if row.get(key) is not None}
    found |= row.get("attributes") or {}
    if body is not None:
        found["syndarix.payload"] = body
    span = {
        "traceId": str(row.get("trace_id", "")).rjust(32, "0"), "spanId": str(row.get("span_id", "")).rjust(16, "0"),
        "name": row.get("name", ""), "kind": 1, "startTimeUnixNano": str(row.get("start_ns", 0)),
        "endTimeUnixNano": str(row.get("end_ns", row.get("start_ns", 0))), "attributes": _pairs(found),
        "status": {"code": 2 if row.get("status") == v.STATUS_ERROR else 1, "message": row.get("error_message", "")},
    }  # fmt: skip
    if row.get("parent_id"):
        span["parentSpanId"] = str(row["parent_id"]).rjust(16, "0")
    return span


def _pairs(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any(value)} for key, value in found.items() if value not in (None, "")]


def _any(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [_any(each) for each in value]}}
    return {"stringValue": value if isinstance(value, str) else _dumps(value)}
