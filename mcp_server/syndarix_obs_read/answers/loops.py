"""Which agents went in circles? The same tool with the same arguments again and again in a session."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import ListAnswer, Moment, Period, listing
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.answers.messages import compact
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import COUNTED_UP_TO, Rows, StoredRecord
from syndarix_obs_read.timerange import TimeRange, to_datetime


class Loop(Frozen):
    """One loop in one session."""

    session_id: str | None
    trace_id: str
    agent: str | None
    tool: str
    calls: int = Field(description="Equal calls when it was last detected.")
    arguments: Any = Field(description="What the tool was called with; null when payloads are not captured.")
    first_detected: Moment
    last_detected: Moment


class LoopList(ListAnswer):
    """Loops, the last first."""

    loops: tuple[Loop, ...]


async def list_loops(backend: Backend, where: Filter, period: TimeRange, limit: int) -> LoopList:
    """Loops that were detected in the period and fit the filter."""
    wanted = replace(where.within(period), kinds=(v.KIND_TOOL_CALL,), looped=True)
    page = await backend.records(wanted, limit=COUNTED_UP_TO, payloads=True)
    groups: defaultdict[tuple[str, str, str], list[StoredRecord]] = defaultdict(list)
    for record in page.rows:
        arguments = compact(record.payload.get("arguments"))
        groups[record.text("session_id") or record.text("trace_id"), record.text("tool"), arguments].append(record)
    loops = sorted((_loop(records) for records in groups.values()), key=lambda loop: loop.last_detected, reverse=True)
    about = listing(Rows(tuple(loops[:limit]), len(loops) > limit, len(loops)), "agent, tool or time")
    if not loops:
        known = await why_empty(backend, where, period)
        about["hints"] = ("no loop was detected in that time, which is good", *known)
    return LoopList(backend=backend.name, period=Period.of(period), loops=tuple(loops[:limit]), **about)


def _loop(records: list[StoredRecord]) -> Loop:
    last = max(records, key=lambda record: record.start_ns)
    return Loop(
        session_id=last.optional("session_id"),
        trace_id=last.text("trace_id"),
        agent=last.optional("agent"),
        tool=last.text("tool"),
        calls=max(record.count("loop_count") for record in records),
        arguments=last.payload.get("arguments"),
        first_detected=to_datetime(min(record.start_ns for record in records)),
        last_detected=to_datetime(last.start_ns),
    )
