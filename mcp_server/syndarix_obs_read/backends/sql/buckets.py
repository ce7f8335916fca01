"""What agents did, in buckets of time: calls, errors, durations, tokens, tools and cost."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import BucketRow
from syndarix_obs_read.backends.sql.agents import FILTERS
from syndarix_obs_read.backends.sql.conditions import Where, over
from syndarix_obs_read.errors import FilterError

Key = tuple[int, str | None, str | None]
"""Beginning of the bucket, agent, project."""


@dataclass(slots=True)
class _Bucket:
    values: dict[str, Any] = field(default_factory=dict)
    tools: dict[str, int] = field(default_factory=dict)
    tool_errors: int = 0
    cost_usd: float = 0.0


def found(connection: sqlite3.Connection, where: Filter, step_ns: int) -> list[BucketRow]:
    """A row for each bucket, agent and project that did something."""
    where.allow("buckets", *FILTERS)
    if step_ns <= 0:
        raise FilterError(f"a bucket of {step_ns} ns holds nothing; it has to be longer than 0")
    records = over("r", where, time="ts_ns", columns=FILTERS)
    buckets: dict[Key, _Bucket] = {}
    _calls(connection, records, step_ns, buckets)
    _tools(connection, records, step_ns, buckets)
    _costs(connection, over("l", where, time="ts_ns", columns=FILTERS), step_ns, buckets)
    return [
        BucketRow(
            at_ns=at, agent=agent, project=project, tools=each.tools, tool_errors=each.tool_errors,
            cost_usd=each.cost_usd, **each.values,
        )
        for (at, agent, project), each in sorted(buckets.items(), key=lambda item: _order(item[0]))
    ]  # fmt: skip


def _order(key: Key) -> tuple[int, str, str]:
    at, agent, project = key
    return at, agent or "", project or ""


def _rows(
    connection: sqlite3.Connection, columns: str, kind: str, where: Where, step_ns: int, also: str = ""
) -> Iterator[tuple[Key, Any]]:
    statement = (
        f"SELECT r.ts_ns / ? * ?, r.agent, r.project, {columns} FROM records r"
        f" WHERE r.kind = ? AND {where.sql} GROUP BY 1, 2, 3{also}"
    )
    for at, agent, project, *values in connection.execute(statement, (step_ns, step_ns, kind, *where.values)):
        yield (at, agent, project), values


def _calls(connection: sqlite3.Connection, where: Where, step_ns: int, buckets: dict[Key, _Bucket]) -> None:
    columns = (
        f"count(*), sum(r.status = '{v.STATUS_ERROR}'), json_group_array(r.duration_ns),"
        " coalesce(sum(r.input_tokens), 0), coalesce(sum(r.output_tokens), 0)"
    )
    for key, (calls, errors, durations, given, made) in _rows(connection, columns, v.KIND_LLM_CALL, where, step_ns):
        seconds = tuple(sorted(duration / 1e9 for duration in json.loads(durations)))
        buckets.setdefault(key, _Bucket()).values = {
            "calls": calls, "errors": errors, "seconds": seconds, "input_tokens": given, "output_tokens": made,
        }  # fmt: skip


def _tools(connection: sqlite3.Connection, where: Where, step_ns: int, buckets: dict[Key, _Bucket]) -> None:
    columns = f"r.tool, count(*), sum(r.status = '{v.STATUS_ERROR}')"
    for key, (tool, calls, errors) in _rows(connection, columns, v.KIND_TOOL_CALL, where, step_ns, ", r.tool"):
        bucket = buckets.setdefault(key, _Bucket())
        bucket.tools[tool or "unknown"] = calls
        bucket.tool_errors += errors


def _costs(connection: sqlite3.Connection, where: Where, step_ns: int, buckets: dict[Key, _Bucket]) -> None:
    # total() adds floats: a sum of integers could overflow, and nobody is billed by this.
    statement = (
        "SELECT l.ts_ns / ? * ?, l.agent, l.project, total(l.cost_pico) FROM ledger l"
        f" WHERE {where.sql} GROUP BY 1, 2, 3"
    )
    for at, agent, project, pico in connection.execute(statement, (step_ns, step_ns, *where.values)):
        buckets.setdefault((at, agent, project), _Bucket()).cost_usd = pico / 1e12
