"""Statistics by agent: every record counts, so of each kind only what is counted travels, and is counted as it comes.

Runs and the ledger go through the store's own statements; what agents called is only counted, and counting hundreds of
thousands of lines in a table first would take longer than fetching them.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import AgentRow
from syndarix_obs_read.backends.sql import agents as sql
from syndarix_obs_read.backends.sql.scratch import Scratch
from syndarix_obs_read.backends.stack.candidates import Servers
from syndarix_obs_read.backends.stack.clients.loki import Stream
from syndarix_obs_read.backends.stack.columns import Columns
from syndarix_obs_read.backends.stack.queries import logql
from syndarix_obs_read.backends.stack.runs import Runs
from syndarix_obs_read.backends.stack.time_bounds import Range
from syndarix_obs_read.backends.together import together

Seen = list[list[str]]
"""Lines of one agent and tool, each once: `record_id`, beginning, and the columns of the kind."""
_TOOL: Final = "tool"


async def found(servers: Servers, where: Filter) -> list[AgentRow]:
    """Every agent that did something in the period, by name."""
    with Scratch() as scratch:
        sql.runs_and_costs(scratch.connection, where)  # a filter that does not fit is refused before anything is asked
        scratch.expect_many()
        place, narrowed = await servers.bounds.of(where), servers.bounds.until_past(where)
        given = {name: value for name in sql.FILTERS if (value := getattr(where, name)) is not None}
        calls = [_calls(servers, where, narrowed, place, kind) for kind in _COUNTED]
        _, _, *counts = await together(
            Runs(servers.loki, place, given).into(scratch, narrowed), _costs(servers, where, scratch), *calls
        )
        sums = await scratch.ask(lambda s: sql.runs_and_costs(s.connection, where))
    for kind, lines in zip(_COUNTED, counts, strict=True):
        for (agent, tool), seen in (lines or {}).items():
            _COUNTED[kind][1](sums[agent or sql.UNNAMED], tool, seen)
    return sql.rows(sums)


async def _costs(servers: Servers, where: Filter, scratch: Scratch) -> None:
    await scratch.ask((await servers.ledger.lines(where, ("agent",))).into)


async def _calls(
    servers: Servers, where: Filter, narrowed: Filter, place: Range, kind: str
) -> Mapping[tuple[str, str], Seen]:
    texts = ("agent", _TOOL) if kind == v.KIND_TOOL_CALL else ("agent",)
    columns = Columns(_COUNTED[kind][0], texts)
    streams = await servers.loki.streams(columns.query(logql.lines(narrowed, (kind,))), *place)
    return await asyncio.to_thread(_sorted_out, columns, streams, where)


def _sorted_out(columns: Columns, streams: Sequence[Stream], where: Filter) -> dict[tuple[str, str], Seen]:
    """Lines of the period by agent and tool, each record once: a line may have been delivered twice."""
    since, until, known = where.since_ns, where.until_ns, set[str]()
    found: dict[tuple[str, str], Seen] = {}
    for values, tail in columns.rows(streams):
        if values[0] not in known and since <= int(values[1]) < until:
            known.add(values[0])
            found.setdefault((tail[0] or "", (tail[1] or "") if len(tail) > 1 else ""), []).append(values)
    return found


def _seconds(lines: Seen) -> list[float]:
    return [max(0, int(values[2] or values[1]) - int(values[1])) / 1e9 for values in lines]


def _numbers(lines: Seen, place: int) -> list[float]:
    return [float(values[place]) for values in lines if values[place]]


def _add_models(agent: sql.AgentSums, _tool: str, lines: Seen) -> None:
    agent.latency += _seconds(lines)
    agent.first_token += _numbers(lines, 3)
    agent.request_errors += sum(values[4] == v.STATUS_ERROR for values in lines)


def _add_tools(agent: sql.AgentSums, tool: str, lines: Seen) -> None:
    sums = agent.tools[tool or "unknown"]
    sums.seconds += _seconds(lines)
    sums.loops += len(_numbers(lines, 3))
    sums.errors += sum(values[4] == v.STATUS_ERROR for values in lines)


def _add_decisions(agent: sql.AgentSums, _tool: str, lines: Seen) -> None:
    agent.decisions += len(lines)
    if stated := _numbers(lines, 2):
        agent.confidence = math.fsum(stated) / len(stated)


def _add_safety(agent: sql.AgentSums, _tool: str, lines: Seen) -> None:
    agent.safety_checks += len(lines)
    agent.safety_failures += sum(values[2] == "false" for values in lines)


_COUNTED: Final[Mapping[str, tuple[tuple[str, ...], Callable[[sql.AgentSums, str, Seen], None]]]] = {
    v.KIND_LLM_CALL: (("end_ns", "first_token_s", "status"), _add_models),
    v.KIND_TOOL_CALL: (("end_ns", "loop_count", "status"), _add_tools),
    v.KIND_DECISION: (("confidence",), _add_decisions),
    v.KIND_SAFETY: (("passed",), _add_safety),
}
"""What is fetched of each kind, and how it is counted."""
