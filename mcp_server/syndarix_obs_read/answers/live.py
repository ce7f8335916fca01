"""Which sessions begin, get on and end, while one looks?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.answers.sessions import Session, list_sessions
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.timerange import SECOND_NS, TimeRange

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
