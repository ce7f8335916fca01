"""That something new was recorded: server-sent events without content; the page fetches itself anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Final

from starlette.responses import Response, StreamingResponse

from syndarix_obs.errors import SyndarixObsError
from syndarix_obs_read.answers.logs import follow_logs
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import RecordSource
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.web.follow import HEADERS, event, or_nothing

_TOGETHER_S: Final = 0.25


def stream(backend: RecordSource, ending: Callable[[], bool]) -> Response:
    """An event for each moment in which records arrived, until the reader goes or the server ends."""
    return StreamingResponse(_events(backend, ending), media_type="text/event-stream", headers=HEADERS)


async def _events(backend: RecordSource, ending: Callable[[], bool]) -> AsyncIterator[str]:
    yield ": hello\n\n"
    begun = False
    told_at = 0.0
    count = 0
    clock = asyncio.get_running_loop().time
    try:
        async with aclosing(or_nothing(follow_logs(backend, Filter()), ending, _TOGETHER_S)) as coming:
            async for found in coming:
                if not begun:
                    yield event("begin", "")
                    begun = True
                count += found is not None
                if count and (found is None or clock() - told_at >= _TOGETHER_S):
                    yield event("news", str(count))
                    told_at, count = clock(), 0
                elif found is None:
                    yield ": still here\n\n"
    except (ReadError, SyndarixObsError) as error:
        yield event("problem", str(error))
