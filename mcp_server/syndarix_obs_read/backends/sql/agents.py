"""Statistics by agent. SQLite has no quantiles, so durations are read and sorted here."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Cost, Quantiles, Tokens
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import AgentRow, ToolRow
from syndarix_obs_read.backends.sql.conditions import Where, over
from syndarix_obs_read.backends.sql.lines import by_hour
from syndarix_obs_read.backends.sql.sums import costs

FILTERS: Final = ("agent", "project", "user", "task_type", "session_id", "service", "environment")
UNNAMED: Final = "(no agent)"
_DURATIONS: Final = "json_group_array(r.duration_ns)"
"""All durations of a group in one value: half the time of a row for each."""
_DIGITS: Final = 12
"""Of a mean: further ones depend on the order in which it was added up."""
_ERRORS: Final = f"sum(r.status = '{v.STATUS_ERROR}')"


@dataclass(slots=True)
class ToolSums:
    """Calls of one tool."""

    seconds: list[float] = field(default_factory=list)
    errors: int = 0
    loops: int = 0


@dataclass(slots=True)
class AgentSums:
    """What one agent did, as it is counted."""

    runs: dict[tuple[str, str | None], int] = field(default_factory=dict)
    times: list[int] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)
    first_token: list[float] = field(default_factory=list)
    request_errors: int = 0
    tools: defaultdict[str, ToolSums] = field(default_factory=lambda: defaultdict(ToolSums))
    decisions: int = 0
    confidence: float | None = None
    safety_checks: int = 0
    safety_failures: int = 0
    tokens: Tokens = Tokens()  # noqa: RUF009 - frozen
    cost: Cost = Cost()  # noqa: RUF009 - frozen


Sums = defaultdict[str, AgentSums]
"""By the agent's name."""


def statistics(connection: sqlite3.Connection, where: Filter) -> list[AgentRow]:
    """Every agent that did something in the period, by name."""
    found = runs_and_costs(connection, where)
    records = over("r", where, time="ts_ns", columns=FILTERS)
    _calls(connection, records, found)
    _tools(connection, records, found)
    _decisions(connection, records, found)
    _safety(connection, records, found)
    return rows(found)


def runs_and_costs(connection: sqlite3.Connection, where: Filter) -> Sums:
    """Sessions and the ledger alone; what agents called is counted by the caller."""
    where.allow("agents", *FILTERS)
    found: Sums = defaultdict(AgentSums)
    _runs(connection, over("s", where, time="started_ns", columns=FILTERS), found)
    ledger = over("l", where, time="ts_ns", columns=FILTERS)
    quick = by_hour(connection, where, ("agent",))
    for key, tokens, cost in costs(connection, ledger, ["l.agent AS agent"], quick=quick):
        each = found[key["agent"] or UNNAMED]
        each.tokens, each.cost = tokens, cost
    return found


def rows(found: Sums) -> list[AgentRow]:
    """What was counted as the rows of the answer, by name."""
    return [_row(name, found[name]) for name in sorted(found)]


def _runs(connection: sqlite3.Connection, where: Where, found: Sums) -> None:
    statement = (
        "SELECT s.agent, s.status, s.outcome, count(*), min(s.started_ns), max(s.last_progress_ns)"
        f" FROM sessions s WHERE {where.sql} GROUP BY 1, 2, 3"
    )
    for agent, status, outcome, count, first, last in connection.execute(statement, where.values):
        each = found[agent or UNNAMED]
        each.runs[status, outcome] = count
        each.times += (first, last)


def _rows(connection: sqlite3.Connection, columns: str, kind: str, where: Where, group: str = "") -> Any:
    statement = f"SELECT r.agent, {columns} FROM records r WHERE r.kind = ? AND {where.sql} {group}"
    return connection.execute(statement, (kind, *where.values))


def _calls(connection: sqlite3.Connection, where: Where, found: Sums) -> None:
    columns = f"{_DURATIONS}, {_ERRORS}"
    for agent, durations, errors in _rows(connection, columns, v.KIND_LLM_CALL, where, "GROUP BY 1"):
        each = found[agent or UNNAMED]
        each.latency += _seconds(durations)
        each.request_errors += errors
    streamed = "AND r.first_token_s IS NOT NULL"
    for agent, first_token in _rows(connection, "r.first_token_s", v.KIND_LLM_CALL, where, streamed):
        found[agent or UNNAMED].first_token.append(first_token)


def _tools(connection: sqlite3.Connection, where: Where, found: Sums) -> None:
    columns = f"r.tool, {_DURATIONS}, {_ERRORS}, count(r.loop_count)"
    for agent, name, durations, errors, loops in _rows(connection, columns, v.KIND_TOOL_CALL, where, "GROUP BY 1, 2"):
        tool = found[agent or UNNAMED].tools[name or "unknown"]
        tool.seconds += _seconds(durations)
        tool.errors += errors
        tool.loops += loops


def _seconds(durations: str) -> list[float]:
    return [duration / 1e9 for duration in json.loads(durations)]


def _decisions(connection: sqlite3.Connection, where: Where, found: Sums) -> None:
    for agent, count, mean in _rows(connection, "count(*), avg(r.confidence)", v.KIND_DECISION, where, "GROUP BY 1"):
        each = found[agent or UNNAMED]
        each.decisions, each.confidence = count, mean


def _safety(connection: sqlite3.Connection, where: Where, found: Sums) -> None:
    for agent, count, failed in _rows(connection, "count(*), sum(r.passed = 0)", v.KIND_SAFETY, where, "GROUP BY 1"):
        each = found[agent or UNNAMED]
        each.safety_checks, each.safety_failures = count, failed


def _row(name: str, found: AgentSums) -> AgentRow:
    return AgentRow(
        agent=name,
        runs=found.runs,
        first_ns=min(found.times, default=None),
        last_ns=max(found.times, default=None),
        requests=len(found.latency),
        request_errors=found.request_errors,
        latency=Quantiles.of(found.latency),
        first_token=Quantiles.of(found.first_token),
        tools=tuple(_tool(tool, found.tools[tool]) for tool in sorted(found.tools)),
        decisions=found.decisions,
        confidence=None if found.confidence is None else round(found.confidence, _DIGITS),
        safety_checks=found.safety_checks,
        safety_failures=found.safety_failures,
        tokens=found.tokens,
        cost=found.cost,
    )


def _tool(name: str, found: ToolSums) -> ToolRow:
    return ToolRow(
        tool=name,
        calls=len(found.seconds),
        errors=found.errors,
        loops=found.loops,
        duration=Quantiles.of(found.seconds),
    )
