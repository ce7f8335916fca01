"""What people said about a run or a step, and a form to say more."""

from __future__ import annotations

from syndarix_obs_read.answers.annotate import Annotations, said_about
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Html, joined
from syndarix_obs_read.web.parts import notes, pieces
from syndarix_obs_read.web.view import Page, View


async def ask(asked: Asked) -> View:
    """Notes and scores of a run or of one step."""
    run, step = asked.needed("run"), asked.word("step")
    found = await attempt(said_about(asked.backend, run, step))
    return View("Notes", {"annotations": found}, lambda: pieces.shown(found, lambda answer: _draw(asked, answer)))


def _draw(asked: Asked, answer: Annotations) -> Html:
    about = f"step {answer.step} of {answer.run}" if answer.step else answer.run
    return joined((
        pieces.section(f"About {about}", notes.form(asked, answer.run, answer.step), notes.listed(asked, answer)),
        _back(asked, answer),
    ))  # fmt: skip


def _back(asked: Asked, answer: Annotations) -> Html:
    trace = next((each.trace_id for each in answer.said if each.target == answer.step and each.trace_id), None)
    return pieces.facts((
        ("run", pieces.session_link(asked, answer.run)),
        ("step", pieces.trace_link(asked, trace, "in its trace", step=answer.step) if trace else None),
    ))  # fmt: skip


PAGE = Page("/annotate", "", ask, under="/sessions", timed=False)
