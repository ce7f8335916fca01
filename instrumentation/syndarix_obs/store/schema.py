"""What stands in the SQLite store: tables, columns, and how to read them back.

With `search.py` and `database.open_for_read` this is what the read side imports. Times are integer
nanoseconds since the epoch, ids lower-case hex.

`records`   One row per record of every kind except `cost`; `id` grows in the order of arrival. Everything
            that answers filter by or add up is a column, named as in `records.py` except `ts_ns` (=
            `start_ns`). What has no column (attributes, events, sections, options, …) is JSON in `extra`,
            NULL when empty. `fields(row)` gives the flat dict of the record back. Booleans are 0/1.
            `cost_usd` is exact decimal text, for display; sums come from the ledger.
`payloads`  `id` = `records.id`; `body` = redacted JSON text, a zlib-compressed BLOB of it, or a BLOB that refers to
            `contents`: `unpack(body)` in SQL on a connection of ours; `bytes` = size of the text. Apart, so
            that listings never read it. No row when a record has no payload.
`contents`  What payloads refer to, each once (`contents.py`): `hash` under the key `meta.content_key`, `refs` = how
            often it is referred to, `mark` = fingerprint of the message, `body` = text, a compressed BLOB
            of it, or numbers of other contents. Deleting payloads by hand leaves some without references: `sweep`.
`ledger`    One row per CostRecord (`sign(record_id)` calls each: a later report may take a line back):
            amounts as exact decimal TEXT (NULL when unpriced, never 0) and
            `cost_pico`, the total as an integer in 1e-12 dollars: `sum(cost_pico)` is exact and quick (up
            to 9.2 million dollars a sum), `dollars(n)` makes a Decimal of it. `user` is NULL once that
            user was erased; the amounts stay.
`ledger_hours`  Sums of the ledger by hour and `HOUR_KEYS`, filled behind the writers up to `meta.summed_to`; several
            rows may have the same key. `calls` (with `estimated_calls`, `unpriced_calls`, and `beyond`, those
            too large to be in the sums), `exact_pico` and `estimated_pico` in 1e-12 dollars, tokens.
`sessions`  One row per run of a session, keyed `(session_id, span_id)`: written with status `running` when
            it starts, completed when it ends. `last_progress_ns` is the end of its last finished step. A
            run whose process died stays `running`.
`search`    Contentless FTS5 over trigrams of `SEARCH_TEXT`, `rowid` = `records.id`; filled behind the
            writers up to `meta.indexed_to`. Use `search.find`, which also looks at what is not indexed yet.
`meta`      `key`, `value`: `indexed_to`, `summed_to`, `content_key`, `retention` (what the store was last kept to, and
            when).
`migrations`  Names of applied migrations, in order. `PRAGMA user_version` is their number.

Indexes of `records`: (ts_ns, record_id), unique; trace_id; (session_id, ts_ns); (kind, ts_ns), with the columns
that statistics read (status, level, agent, tool, model, duration_ns, …); (agent, ts_ns); ts_ns of errors
(`status = 'error'`); ts_ns of roots (`parent_id IS NULL`). Of `ledger`: (ts_ns, record_id), unique; session_id;
to add up one trace, bound it by the times of its records. Of `ledger_hours`: hour_ns. Of `sessions`: started_ns;
(status, started_ns).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final

APPLICATION_ID: Final = 0x5359_4F42
"""`PRAGMA application_id` of our files: the letters SYOB."""

COMMON_COLUMNS: Final = (
    "record_id", "trace_id", "span_id", "parent_id", "name", "end_ns", "status", "error_type",
    "error_message", "service", "environment", "session_id", "agent", "agent_type", "agent_version",
    "project", "user", "task_type",
)  # fmt: skip
"""Columns of `records` that every record fills from the field of the same name."""

KIND_COLUMNS: Final = (
    "operation", "provider", "model", "tool", "outcome", "first_token_s", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "estimated", "priced", "cost_usd", "store",
    "found", "loop_count", "decision_type", "selected", "confidence", "check", "passed", "tokens", "target",
    "label",
)  # fmt: skip
"""Columns of `records` that only some kinds fill, from the field of the same name; NULL elsewhere."""

DERIVED_COLUMNS: Final = ("kind", "ts_ns", "duration_ns", "level", "extra")
"""Columns of `records` that are worked out when a row is written."""

RECORD_COLUMNS: Final = (*DERIVED_COLUMNS, *COMMON_COLUMNS, *KIND_COLUMNS)
"""Every column of `records` but `id`."""

LEDGER_COLUMNS: Final = (
    "record_id", "ts_ns", "trace_id", "span_id", "parent_id", "service", "environment", "session_id", "agent",
    "agent_type", "agent_version", "project", "user", "task_type", "status", "provider", "model",
    "tokens_input", "tokens_output", "tokens_cache_read", "tokens_cache_write", "tokens_reasoning",
    "tokens_total", "priced", "estimated", "service_tier", "price_source", "cost_per_input_token",
    "cost_per_output_token", "total_cost_usd", "cost_pico",
)  # fmt: skip
"""Every column of `ledger` but `id`."""

HOUR_KEYS: Final = ("agent", "project", "task_type", "service", "environment", "model", "status")
"""Columns of the ledger that `ledger_hours` tells apart, beside the hour."""

HOUR_COLUMNS: Final = (
    "hour_ns", *HOUR_KEYS, "calls", "estimated_calls", "unpriced_calls", "beyond", "exact_pico", "estimated_pico",
    "tokens_input", "tokens_output", "tokens_cache_read", "tokens_cache_write", "tokens_reasoning", "tokens_total",
)  # fmt: skip
"""Every column of `ledger_hours`."""

HOUR_NS: Final = 3_600 * 10**9
"""An hour in nanoseconds."""

VOID_SUFFIX: Final = ":void"
"""End of the `record_id` of a line of the ledger that takes another back: its amounts are below zero, and it counts as
one call less."""


def sign(record_id: str) -> str:
    """SQL of what a line of the ledger counts: 1, or -1 for one that takes another back."""
    return f"(CASE WHEN {record_id} LIKE '%{VOID_SUFFIX}' THEN -1 ELSE 1 END)"


SESSION_COLUMNS: Final = (
    "session_id", "span_id", "trace_id", "record_id", "agent", "agent_type", "agent_version", "project",
    "user", "task_type", "service", "environment", "status", "outcome", "error_type", "error_message",
    "started_ns", "ended_ns", "last_progress_ns",
)  # fmt: skip
"""Every column of `sessions`; `ended_ns` is NULL while it runs."""

BOOLEAN_COLUMNS: Final = frozenset({"estimated", "priced", "passed"})
"""Columns that hold 0 or 1 for False or True."""

SEARCH_COLUMNS: Final = (
    "coalesce(r.name,'')",
    "coalesce(r.error_type,'')",
    "coalesce(r.error_message,'')",
    "coalesce(CASE typeof(p.body) WHEN 'blob' THEN searchable(p.body) ELSE p.body END,'')",
)
SEARCH_TEXT: Final = " || char(10) || ".join(SEARCH_COLUMNS)
"""SQL of the text that is searched, over `records r LEFT JOIN payloads p ON p.id = r.id`. Rows leave the
index by the same text, so changing it needs a migration that fills the index anew."""

PICO: Final = Decimal(10) ** 12
"""Parts of a dollar in `cost_pico`."""

LARGEST_INTEGER: Final = 2**63 - 1
"""The largest integer that a column holds."""

_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[])
_PLAIN = tuple(name for name in (*COMMON_COLUMNS, *KIND_COLUMNS) if name != "cost_usd")


def pico(amount: Decimal | None) -> int | None:
    """An amount in dollars as an integer of 1e-12 dollars, half to even; None if unknown or beyond 64
    bits."""
    if amount is None or not amount.is_finite() or amount.adjusted() > 7:
        return None
    units = int(_EXACT.to_integral_value(_EXACT.multiply(amount, PICO)))
    return units if abs(units) <= LARGEST_INTEGER else None


def dollars(units: int | None) -> Decimal | None:
    """A `cost_pico` (or the sum of some) as dollars; None stays None."""
    return None if units is None else Decimal(units).scaleb(-12)


def payload_text(body: str | bytes | None) -> str | None:
    """The JSON text of a payload that is stored whole; `unpack` in SQL reads the others, too."""
    return zlib.decompress(body).decode() if isinstance(body, bytes) else body


def fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `records` as the flat dict of the record that it holds, as it reads back from JSON.

    Args:
        row: mapping of column to value, for example `dict(sqlite3.Row)`; it needs all of `RECORD_COLUMNS`.
    """
    line: dict[str, Any] = {"kind": row["kind"], "start_ns": row["ts_ns"]}
    for name in _PLAIN:
        value = row[name]
        if value is not None and value != "":
            line[name] = bool(value) if name in BOOLEAN_COLUMNS else value
    if row["cost_usd"] is not None:
        line["cost_usd"] = row["cost_usd"]
    line["duration_ms"] = row["duration_ns"] / 1e6
    if row["extra"]:
        line.update(json.loads(row["extra"]))
    return line
