"""Notes, thumbs and outcomes in place: the form on the pages of a session and of a step, and `POST /note`."""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from syndarix_obs.errors import SyndarixObsError
from syndarix_obs_read.annotating import annotate
from syndarix_obs_read.answers.annotate import LONGEST, Annotation, place_of
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import FilterError, ReadError
from syndarix_obs_read.serving.roles import current
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.asked import address
from syndarix_obs_read.web.authentication import given_name
from syndarix_obs_read.web.pages.annotate import runs_of
from syndarix_obs_read.web.scoring import refused
from syndarix_obs_read.web.writes import Writes

_FIELDS: Final = frozenset({"run", "step", "note", "label", "thumbs", "outcome", "author"})


async def handle(request: Request, settings: ReadSettings, backend: Backend, writes: Writes) -> Response:
    """Keep what is said; a form goes back to the notes of the run, a program gets JSON."""
    try:
        fields, is_form = await writes.read(request, "write notes")
        if isinstance(fields, dict) and "runs" in fields:
            return await _several(request, settings, backend, fields, is_form=is_form)
        given = read(fields, given_name(request.headers.get("authorization", "")) or _owner())
        answer = await annotate(settings, backend, given)
    except (ReadError, SyndarixObsError) as error:
        return refused(error)
    if is_form:
        return RedirectResponse(address("/annotate", run=answer.run, step=answer.step), 303)
    return JSONResponse(json.loads(answer.model_dump_json()), 201)


async def _several(
    request: Request, settings: ReadSettings, backend: Backend, fields: dict[str, Any], *, is_form: bool
) -> Response:
    """The same about each of several runs; nothing is kept unless every one of them is there."""
    runs = runs_of(str(fields.pop("runs")))
    name = given_name(request.headers.get("authorization", "")) or _owner()
    every = [read({**fields, "run": run}, name) for run in runs]
    if not every:
        raise FilterError("no run was named: choose some in a list")
    for given in every:
        await place_of(backend, given)
    answers = [await annotate(settings, backend, given) for given in every]
    if is_form:
        return RedirectResponse(address("/annotate", runs=",".join(runs)), 303)
    return JSONResponse([json.loads(answer.model_dump_json()) for answer in answers], 201)


def _owner() -> str | None:
    """Whose token came with the request."""
    found = current()
    return None if found is None or found.reader is None else found.reader.name


def read(found: Any, name: str | None) -> Annotation:
    """What is said, from the fields of a form or of JSON; `name` is who logged in.

    Raises:
        FilterError: it cannot be read.
    """
    if not isinstance(found, dict) or (wrong := found.keys() - _FIELDS):
        unknown = f": {', '.join(sorted(wrong))}" if isinstance(found, dict) else ""
        raise FilterError(f"a note has no such field{unknown}; possible: {', '.join(sorted(_FIELDS))}")
    words = {key: text for key, value in found.items() if (text := str(value or "").strip())}
    author = words.get("author") or name
    if author is not None:
        words["author"] = author[: LONGEST["author"]]
    return Annotation(**{"run": "", **words})
