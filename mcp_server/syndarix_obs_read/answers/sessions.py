"""Which sessions are there, which run now, and what did one of them do?"""

from __future__ import annotations

import time
from datetime import UTC

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Activity, Cost, Frozen, Tokens
from syndarix_obs_read.answers.agents import AgentStatistics, statistics
from syndarix_obs_read.answers.base import Answer, ListAnswer, Moment, Period, listing
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.answers.ids import resolve_session
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import SessionRow
from syndarix_obs_read.timerange import SECOND_NS, TimeRange, to_datetime


class Session(Frozen):
    """One session: everything under one session id."""

    session_id: str
    status: str = Field(description="`ok`, `error` or `running`.")
    stalled: bool = Field(description="Runs, but has finished no step for long: it hangs, or its process died.")
    outcome: str | None = Field(description="What it led to, in the caller's words.")
    error_type: str | None
    error_message: str | None
    agents: tuple[str, ...] = Field(description="The agent that began it first.")
    agent_type: str | None
    project: str | None
    user: str | None
    service: str | None
    environment: str | None
    started: Moment
    ended: Moment | None
    duration_ms: float = Field(description="Up to its last finished step while it runs.")
    last_progress: Moment
    trace_ids: tuple[str, ...]
    activity: Activity
    tokens: Tokens
    cost: Cost


class SessionList(ListAnswer):
    """Sessions, the last begun first."""

    sessions: tuple[Session, ...]


class ModelCost(Frozen):
    """What one model cost in a session."""

    model: str | None
    tokens: Tokens
    cost: Cost


class SessionDetail(Answer):
    """One session with its statistics, by agent and by model."""

    session: Session
    agents: tuple[AgentStatistics, ...]
    models: tuple[ModelCost, ...]


async def list_sessions(
    backend: Backend, where: Filter, period: TimeRange, limit: int, *, stalled_after_s: float = 900.0
) -> SessionList:
    """Sessions that began in the period and fit the filter; those that still run are among them."""
    page = await backend.sessions(where.within(period), limit)
    about = listing(page, "agent, project, user, status or time")
    if not page.rows:
        about["hints"] = await why_empty(backend, where, period)
    sessions = tuple(_session(row, stalled_after_s) for row in page.rows)
    return SessionList(backend=backend.name, period=Period.of(period), sessions=sessions, **about)


async def get_session(backend: Backend, session_id: str, *, stalled_after_s: float = 900.0) -> SessionDetail:
    """One session by its id or a unique beginning of it.

    Raises:
        NotFound, Ambiguous: see `resolve_session`.
    """
    found = await resolve_session(backend, session_id)
    where = Filter(session_id=found)
    row = (await backend.sessions(where, 1)).rows[0]
    models = await backend.costs(where, ("model",), UTC)
    return SessionDetail(
        backend=backend.name,
        session=_session(row, stalled_after_s),
        agents=tuple(statistics(each) for each in await backend.agents(where)),
        models=tuple(ModelCost(model=each.key["model"], tokens=each.tokens, cost=each.cost) for each in models),
    )


def _session(row: SessionRow, stalled_after_s: float) -> Session:
    running = row.status == v.STATUS_RUNNING
    end = row.last_progress_ns if row.end_ns is None else row.end_ns
    return Session(
        stalled=running and time.time_ns() - row.last_progress_ns > stalled_after_s * SECOND_NS,
        started=to_datetime(row.start_ns),
        ended=None if row.end_ns is None else to_datetime(row.end_ns),
        duration_ms=max(0, end - row.start_ns) / 1e6,
        last_progress=to_datetime(row.last_progress_ns),
        session_id=row.session_id,
        status=row.status,
        outcome=row.outcome,
        error_type=row.error_type,
        error_message=row.error_message,
        agents=row.agents,
        agent_type=row.agent_type,
        project=row.project,
        user=row.user,
        service=row.service,
        environment=row.environment,
        trace_ids=row.trace_ids,
        activity=row.activity,
        tokens=row.tokens,
        cost=row.cost,
    )
