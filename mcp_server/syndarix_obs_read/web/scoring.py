"""`POST /score`: a score from the form on the page of a session, or from a program as JSON."""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from syndarix_obs.errors import SyndarixObsError
from syndarix_obs_read.answers.quality import Score
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import FilterError, Forbidden, NotFound, ReadError, UsageError
from syndarix_obs_read.scoring import Given, give
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.asked import Asked, address
from syndarix_obs_read.web.form_token import FIELD
from syndarix_obs_read.web.html import Html, el
from syndarix_obs_read.web.pages.quality import scores as scores_table
from syndarix_obs_read.web.parts import common, notes
from syndarix_obs_read.web.writes import Writes

_FIELDS: Final = frozenset({"session_id", "name", "value", "type", "source", "judge_version", "comment"})


async def handle(request: Request, settings: ReadSettings, backend: Backend, writes: Writes) -> Response:
    """Keep the score; a form goes back to the session's page, a program gets JSON."""
    try:
        fields, is_form = await writes.read(request, "give scores")
        answer = await give(settings, backend, read(fields))
    except (ReadError, SyndarixObsError) as error:
        return refused(error)
    if is_form:
        return RedirectResponse(address("/session", id=answer.session_id), 303)
    return JSONResponse(json.loads(answer.model_dump_json()), 201)


def refused(error: ReadError | SyndarixObsError) -> Response:
    """An error as whoever wrote gets it."""
    status = 403 if isinstance(error, Forbidden) else 400 if isinstance(error, (UsageError, NotFound)) else 503
    return JSONResponse({"error": str(error)}, status)


def read(found: Any) -> Given:
    """A score from the fields of a form or of JSON.

    Raises:
        FilterError: it cannot be read.
    """
    if not isinstance(found, dict) or (wrong := found.keys() - _FIELDS):
        unknown = f": {', '.join(sorted(wrong))}" if isinstance(found, dict) else ""
        raise FilterError(f"a score has no such field{unknown}; possible: {', '.join(sorted(_FIELDS))}")
    words = {name: _word(value) for name, value in found.items() if value not in (None, "")}
    return Given(**{"session_id": "", "name": "", "value": "", **words})


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def section(asked: Asked, session_id: str, given: tuple[Score, ...]) -> Html:
    """The scores of a session, and a form to give one more."""
    table = scores_table(asked, given) if given else el("p", "Nobody has scored it.", cls="dim")
    every = el("p", el("a", "everything that was said", href=address("/annotate", run=session_id)), cls="pager")
    return common.section(
        "Notes and scores", notes.form(asked, session_id), table,
        el("details", el("summary", "give a score"), _form(asked, session_id)) if asked.settings.may_write else None,
        every,
    )  # fmt: skip


def _form(asked: Asked, session_id: str) -> Html:
    return el(
        "form",
        el("input", type="hidden", name="session_id", value=session_id),
        el("input", type="hidden", name=FIELD, value=asked.form_token),
        el("div", _input("name", "Name", "resolved"), _input("value", "Value", "true, 0.8, paid"),
           _choice(), _input("comment", "Why", ""), cls="fields"),
        el("div", el("button", "Give score", type="submit"), cls="actions"),
        method="post", action="/score", cls="filters",
    )  # fmt: skip


def _input(name: str, label: str, example: str) -> Html:
    identifier = f"score-{name}"
    field = el("input", type="text", name=name, id=identifier, placeholder=example or None, autocomplete="off",
               required=name != "comment")  # fmt: skip
    return el("div", el("label", label, for_=identifier), field, cls="field")


def _choice() -> Html:
    options = (el("option", each, value=each) for each in ("score", "outcome", "feedback"))
    return el("div", el("label", "Type", for_="score-type"), el("select", options, name="type", id="score-type"),
              cls="field")  # fmt: skip
