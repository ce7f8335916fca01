"""Log lines as they arrive: server-sent events, each a line drawn as on the page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Final

from starlette.responses import JSONResponse, Response, StreamingResponse

from syndarix_obs.errors import SyndarixObsError
from syndarix_obs_read.answers.logs import LogLine, follow_logs
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.web.asked import Asked, failure
from syndarix_obs_read.web.pages import logs

_GLANCE_S: Final = 0.5
_BEAT_GLANCES: Final = 20
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Headers of a stream of events."""


async def stream(asked: Asked, ending: Callable[[], bool]) -> Response:
    """Lines that fit and arrive from now on, until the reader goes or the server ends."""
    try:
        where = asked.filter(*logs.WORDS, *logs.RARE)
    except ReadError as error:
        found = failure(error)
        return JSONResponse({"error": found.message}, found.status)
    return StreamingResponse(_events(asked, where, ending), media_type="text/event-stream", headers=HEADERS)


async def _events(asked: Asked, where: Filter, ending: Callable[[], bool]) -> AsyncIterator[str]:
    yield ": hello\n\n"  # the headers go out at once
    begun = False
    try:
        async with aclosing(or_nothing(follow_logs(asked.backend, where), ending)) as coming:
            async for found in coming:
                if not begun:
                    # Not before the backend was asked: what arrives after this is shown.
                    yield event("begin", "")
                    begun = True
                yield ": still here\n\n" if found is None else event("line", logs.line(asked, found).text)
    except (ReadError, SyndarixObsError) as error:
        yield event("problem", str(error))


async def or_nothing(
    lines: AsyncGenerator[LogLine, None], ending: Callable[[], bool], glance_s: float = _GLANCE_S
) -> AsyncGenerator[LogLine | None, None]:
    """The lines; None now and then while none comes, so that a reader who is gone is noticed."""
    coming: asyncio.Task[LogLine] | None = None
    quiet = 0
    try:
        while not ending():
            coming = coming or asyncio.ensure_future(_next(lines))
            done, _ = await asyncio.wait({coming}, timeout=glance_s)
            if done:
                found, coming, quiet = coming.result(), None, 0
                yield found
                continue
            if quiet % _BEAT_GLANCES == 0:
                yield None
            quiet += 1
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        await lines.aclose()


async def _next(lines: AsyncIterator[LogLine]) -> LogLine:
    return await anext(lines)


def event(name: str, text: str) -> str:
    """A server-sent event."""
    data = "\n".join(f"data: {part}" for part in text.splitlines() or [""])
    return f"event: {name}\n{data}\n\n"
