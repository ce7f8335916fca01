"""What people said about a run or a step, and a form to say more."""

from __future__ import annotations

from syndarix_obs_read.answers.annotate import Annotations, said_about
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Html, el, joined
from syndarix_obs_read.web.parts import lists, notes, pieces
from syndarix_obs_read.web.view import Page, View


class Chosen(Answer):
    """Several runs that the same is to be said about."""

    runs: tuple[str, ...]


async def ask(asked: Asked) -> View:
    """Notes and scores of a run or of one step; of several runs (`runs`) the form alone."""
    if several := asked.word("runs"):
        chosen = Chosen(backend=asked.backend.name, runs=runs_of(several))
        return View("Notes", {"chosen": chosen}, lambda: _several(asked, chosen))
    run, step = asked.needed("run"), asked.word("step")
    found = await attempt(said_about(asked.backend, run, step))
    return View("Notes", {"annotations": found}, lambda: pieces.shown(found, lambda answer: _draw(asked, answer)))


def runs_of(text: str) -> tuple[str, ...]:
    """Runs named with commas, each once; FilterError for too many."""
    found = tuple(dict.fromkeys(each for each in text.split(",") if each))
    if len(found) > lists.MOST_ANNOTATED:
        raise FilterError(f"at most {lists.MOST_ANNOTATED} runs can be annotated at once, {len(found)} were chosen")
    return found


def _several(asked: Asked, chosen: Chosen) -> Html:
    links = el("ul", (el("li", el("a", run, href=asked.to("/annotate", run=run))) for run in chosen.runs), cls="events")
    runs = f"{len(chosen.runs)} chosen runs" if len(chosen.runs) > 1 else "the chosen run"
    return pieces.section(f"About {runs}", notes.form(asked, ",".join(chosen.runs), several=True), links)


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
