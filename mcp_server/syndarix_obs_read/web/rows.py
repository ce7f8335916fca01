"""The rows of a long trace as they are drawn, part by part: a page paints its first ones, the script adds the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Final
from urllib.parse import quote

from starlette.responses import PlainTextResponse, Response, StreamingResponse

from syndarix_obs.errors import SyndarixObsError
from syndarix_obs_read.answers.trace import get_trace
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.web.asked import Asked, address, failure
from syndarix_obs_read.web.html import Html
from syndarix_obs_read.web.pages.trace import MOST_STEPS
from syndarix_obs_read.web.parts import step_tree

_AT_ONCE: Final = 200


async def stream(asked: Asked) -> Response:
    """Every row of a trace, up to the most that one page shows."""
    try:
        trace = await get_trace(asked.backend, asked.needed("id"), limit=MOST_STEPS)
    except (ReadError, SyndarixObsError) as error:
        found = failure(error)
        return PlainTextResponse(found.message, found.status)
    here = address("/trace", id=trace.trace_id)
    rows = step_tree.rows(trace, lambda name: f"{here}&step={quote(name)}#split")
    return StreamingResponse(_parts(rows), media_type="text/html; charset=utf-8")


async def _parts(rows: Iterator[Html]) -> AsyncIterator[str]:
    while part := "".join(row.text for row in islice(rows, _AT_ONCE)):
        yield part
        await asyncio.sleep(0)  # others are answered in between
