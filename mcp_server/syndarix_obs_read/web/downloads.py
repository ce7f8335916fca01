"""Files to take along: reports, and runs in the form of other programs."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from starlette.responses import PlainTextResponse, Response

from syndarix_obs.errors import SyndarixObsError
from syndarix_obs_read.answers.convert import FILES, convert
from syndarix_obs_read.errors import FilterError, ReadError
from syndarix_obs_read.reporting.write import written
from syndarix_obs_read.web.asked import Asked, failure
from syndarix_obs_read.web.pages.report import FORMS, gather

_MEDIA = {"html": "text/html; charset=utf-8", "md": "text/markdown; charset=utf-8", "pdf": "application/pdf"}


async def report(asked: Asked) -> Response:
    """A report as a file."""
    try:
        form = asked.word("form") or "html"
        if form not in FORMS:
            raise FilterError(f"a report has no form {form!r}; possible: {', '.join(FORMS)}")
        answer = await gather(asked)
        data = await asyncio.to_thread(written, answer, Path(f"report.{form}"))
    except (ReadError, SyndarixObsError) as error:
        return _refused(error)
    return _file(data, _MEDIA[form], f"{answer.title}.{form}")


async def converted(asked: Asked) -> Response:
    """A run in the form of another program."""
    try:
        answer = await convert(asked.backend, asked.needed("run"), asked.word("to") or "perfetto")
    except (ReadError, SyndarixObsError) as error:
        return _refused(error)
    kind = FILES[answer.form]
    return _file(answer.text.encode(errors="replace"), kind.media, f"{answer.run}{kind.suffix}")


def _refused(error: Exception) -> Response:
    found = failure(error)
    return PlainTextResponse(f"{found.message}\n", found.status)


def _file(data: bytes, media: str, name: str) -> Response:
    """A file to keep, never a page of the explorer's own: its name holds letters, digits and a few signs."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "file"
    return Response(data, media_type=media, headers={"Content-Disposition": f'attachment; filename="{safe[-120:]}"'})
