"""From end to end: is the last thing an agent did found as a record, and as a trace?"""

from __future__ import annotations

import time
from typing import Final

from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import Check
from syndarix_obs_read.timerange import SECOND_NS

_AHEAD_S: Final = 60
_KINDS: Final = ("session", "llm_call", "tool_call", "decision")


async def checks(backend: Backend) -> list[Check]:
    """Follow the newest record to its trace."""
    page = await backend.records(Filter(kinds=_KINDS), limit=1, payloads=False)
    if not page.rows:
        return [
            Check(
                name="last trace", state="warning", finding="no record to follow",
                mend="run `syndarix-obs demo`, or an agent, and look again",
            )
        ]  # fmt: skip
    newest = page.rows[0]
    return [await _trace(backend, newest.text("trace_id")), _clock(newest.start_ns)]


async def _trace(backend: Backend, trace_id: str) -> Check:
    found = await backend.trace(trace_id, limit=10, payloads=False)
    if found.rows:
        total = found.total or len(found.rows)
        return Check(name="last trace", state="ok", finding=f"{trace_id} is found, with {total:,} records")
    return Check(
        name="last trace", state="warning", finding=f"{trace_id} has a record, but no trace is found",
        mend="Tempo may be down, its OTLP port (SYNDARIX_OBS_OTLP_ENDPOINT) wrong, or the trace was not sampled",
    )  # fmt: skip


def _clock(start_ns: int) -> Check:
    ahead = (start_ns - time.time_ns()) / SECOND_NS
    if ahead > _AHEAD_S:
        return Check(
            name="agent clock", state="warning", finding=f"the newest record began {ahead:,.0f} s in the future",
            mend="the agent's clock is ahead of this machine's: synchronise them (NTP)",
        )  # fmt: skip
    return Check(name="agent clock", state="ok", finding="the newest record is not from the future")
