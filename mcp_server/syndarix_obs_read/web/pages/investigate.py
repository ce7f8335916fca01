"""What changed? Figures that moved, what explains them, and what is new."""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.episode import investigate_episode
from syndarix_obs_read.answers.investigate import Explanation, FigureChange, Investigation, investigate
from syndarix_obs_read.answers.runaway import Runaway
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import common, filters, tables
from syndarix_obs_read.web.view import Page, View

_WORDS = ("agent", "project")
_RARE = ("task_type",)
_HEADS = tables.columns(
    ">part", "what", "value*", ">share before", ">share now", ">mean before", ">mean now", "sessions", "diff"
)
_SUMS = tables.columns("what", ">of all", ">it made", ">the most before")
_NEW = tables.columns("what", "value*", "first seen", ">share")


async def ask(asked: Asked) -> View:
    """The investigation."""
    figure, episode = asked.word("figure"), asked.word("episode")
    question = (
        investigate_episode(asked.backend, episode, figure)
        if episode
        else investigate(asked.backend, asked.filter(*_WORDS, *_RARE), asked.period(), figure)
    )
    found = await attempt(question)
    return View("What changed", {"investigation": found}, lambda: joined((
        filters.form(asked, *_WORDS, rare=_RARE), common.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def _draw(asked: Asked, answer: Investigation) -> Child:
    if not answer.calls_after:
        return common.empty(answer, "calls")
    quiet = any(each.compared and not each.changed for each in answer.figures)
    few = ", ".join(_words(each.figure) for each in answer.figures if not each.compared)
    whose = f"{answer.agent}: " if answer.agent else ""
    return (
        el("p", f"{whose}{answer.calls_after:,} calls and sessions of {_said(answer)} against {answer.calls_before:,} "
           "of the time before.", cls="lead verdict"),
        (_changed(asked, each) for each in answer.figures if each.changed),
        (_runaway(asked, each) for each in answer.runaways),
        _quiet(answer) if quiet else None,
        el("p", f"Too few sessions to compare, two on each side at least: {few}.", cls="dim") if few else None,
        _news(asked, answer) if answer.new else None,
        common.hints(answer),
    )


def _runaway(asked: Asked, each: Runaway) -> Html:
    rows = [
        (
            _words(one.what),
            f.percent(one.part),
            f.figure(one.what, one.amount),
            f.figure(one.what, one.largest_before),
        )
        for one in each.sums
    ]
    return common.section(
        "One session ran away",
        el("p", each.verdict, ": ", common.session_link(asked, each.session_id), "."),
        el("p", f"Its most frequent error: {each.error}") if each.error else None,
        tables.table(_SUMS, ((row, "") for row in rows), caption="What it made"),
    )


def _words(figure: str) -> str:
    return figure.replace("_", " ")


def _said(answer: Investigation) -> str:
    return answer.period.text if answer.period else "now"


def _quiet(answer: Investigation) -> Html:
    """Figures whose change may be chance, so that it is seen what was looked at."""
    rows = (
        ((_words(each.figure), f.figure(each.figure, each.before), f.figure(each.figure, each.after), each.about), "")
        for each in answer.figures if each.compared and not each.changed
    )  # fmt: skip
    heads = tables.columns("figure", ">before", ">now", "what it is*")
    return common.section("No change beyond chance", tables.table(heads, rows, caption="Figures without a change"))


def _changed(asked: Asked, change: FigureChange) -> Html:
    rows = ((_row(asked, change.figure, each), "") for each in change.explanations)
    return common.section(
        f"{_words(change.figure)}: {f.figure(change.figure, change.before)} → "
        f"{f.figure(change.figure, change.after)}",
        el("p", change.verdict),
        tables.table(_HEADS, rows, caption=f"What explains {change.figure}") if change.explanations else None,
        aside=change.about,
    )


def _row(asked: Asked, figure: str, each: Explanation) -> list[Child]:
    return [
        f.percent(each.part),
        each.dimension.replace("_", " "),
        el("code", each.value),
        f.percent(each.share_before),
        f.percent(each.share_after),
        f.figure(figure, each.mean_before),
        f.figure(figure, each.mean_after),
        joined(common.session_link(asked, session) for session in each.sessions_after),
        _diff(asked, each),
    ]


def _diff(asked: Asked, each: Explanation) -> Child:
    if not each.sessions_before or not each.sessions_after:
        return f.NOTHING
    return el("a", "before and after",
              href=asked.to("/compare", a=each.sessions_before[0], b=each.sessions_after[0]))  # fmt: skip


def _news(asked: Asked, answer: Investigation) -> Html:
    rows = (
        (
            (each.dimension.replace("_", " "), el("code", each.value), common.moment(each.first_seen, asked.zone),
             f.percent(each.share)),
            "",
        )
        for each in answer.new
    )  # fmt: skip
    return common.section("Seen for the first time", tables.table(_NEW, rows, caption="New configuration"))


PAGE = Page("/investigate", "What changed", ask)
