"""Sessions: a list, and those that go on while somebody looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.answers.base import ListAnswer, Moment, Period, listing
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import SessionFacts, SessionRow
from syndarix_obs_read.timerange import SECOND_NS, TimeRange, to_datetime


class Session(SessionFacts):
    """One session: everything under one session id."""

    stalled: bool = Field(description="Runs, but has finished no step for long: it hangs, or its process died.")
    started: Moment
    ended: Moment | None
    duration_ms: float = Field(description="Up to its last finished step while it runs.")
    last_progress: Moment


class SessionList(ListAnswer):
    """Sessions, the last begun first."""

    sessions: tuple[Session, ...]


async def list_sessions(
    backend: Backend, where: Filter, period: TimeRange, limit: int, *, stalled_after_s: float = 900.0
) -> SessionList:
    """Sessions that began in the period and fit the filter; those that still run are among them."""
    page = await backend.sessions(where.within(period), limit)
    about = listing(page, "agent, project, user, status or time")
    if not page.rows:
        about["hints"] = await why_empty(backend, where, period)
    sessions = tuple(session_of(row, stalled_after_s) for row in page.rows)
    return SessionList(backend=backend.name, period=Period.of(period), sessions=sessions, **about)


def session_of(row: SessionRow, stalled_after_s: float) -> Session:
    """The part of an answer that a row of a backend becomes."""
    running = row.status == v.STATUS_RUNNING
    end = row.last_progress_ns if row.end_ns is None else row.end_ns
    return Session(
        stalled=running and time.time_ns() - row.last_progress_ns > stalled_after_s * SECOND_NS,
        started=to_datetime(row.start_ns),
        ended=None if row.end_ns is None else to_datetime(row.end_ns),
        duration_ms=max(0, end - row.start_ns) / 1e6,
        last_progress=to_datetime(row.last_progress_ns),
        **row.shared(Session),
    )


_EVERY_S: Final = 1.0

Pause = Callable[[], Awaitable[None]]


async def _a_moment() -> None:
    await asyncio.sleep(_EVERY_S)


async def follow_sessions(
    backend: Backend,
    where: Filter,
    period: TimeRange,
    limit: int,
    *,
    stalled_after_s: float = 900.0,
    pause: Pause = _a_moment,
) -> AsyncIterator[Session]:
    """Sessions that run, and from then on each one that begins, gets on, stalls or ends; never ends by itself.

    Args:
        backend: who is asked, again and again.
        where: what the sessions must fit.
        period: sessions that began since its start; its end is left aside.
        limit: most sessions that are watched, the last begun first.
        stalled_after_s: seconds without a finished step after which a running session counts as stalled.
        pause: waited for between two looks, a second by default.
    """
    known: dict[str, Session] | None = None
    while True:
        until_now = replace(period, until_ns=time.time_ns() + SECOND_NS)
        listed = await list_sessions(backend, where, until_now, limit, stalled_after_s=stalled_after_s)
        for session in reversed(listed.sessions):
            if _is_news(session, known):
                yield session
        known = {session.session_id: session for session in listed.sessions}
        await pause()


def _is_news(session: Session, known: dict[str, Session] | None) -> bool:
    if known is None:
        return session.status == v.STATUS_RUNNING
    return known.get(session.session_id) != session
