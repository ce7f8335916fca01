"""Two sessions side by side: a diff of what they ran on and did."""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.compare import Comparison, Line, compare
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import pieces, tables
from syndarix_obs_read.web.view import Page, View

_HEADS = tables.columns("", "before*", "after*")
_MARKS = {"same": " ", "gone": "−", "new": "+"}


async def ask(asked: Asked) -> View:
    """The comparison."""
    found = await attempt(compare(asked.backend, asked.needed("before"), asked.needed("after")))
    return View("Two sessions", {"comparison": found}, lambda: joined((
        pieces.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def _draw(asked: Asked, answer: Comparison) -> Child:
    one, other = answer.before, answer.after
    names = sorted(one.configuration.keys() | other.configuration.keys())
    rows: list[tuple[list[Child], str]] = [
        (["session", pieces.session_link(asked, one.session_id), pieces.session_link(asked, other.session_id)], ""),
        (["ended", one.outcome or one.status, other.outcome or other.status], ""),
        (["duration", f.duration(one.duration_ms), f.duration(other.duration_ms)], ""),
        (["tokens", f.count(one.tokens.total), f.count(other.tokens.total)], ""),
        (["cost", pieces.money(one.cost), pieces.money(other.cost)], ""),
    ]
    rows += [
        (
            [name.replace("_", " "), ", ".join(one.configuration.get(name, ())),
             ", ".join(other.configuration.get(name, ()))],
            "is-warning" if name in answer.differs else "",
        )
        for name in names
    ]  # fmt: skip
    return (
        tables.table(_HEADS, rows, caption="What they ran on and how they ended"),
        _lines("Prompts", answer.prompt, "The prompts are equal, or are not kept."),
        _lines("Steps", answer.steps, "The same steps in the same order."),
        pieces.section("Answers", el("h3", "before"), pieces.prose(one.answer), el("h3", "after"),
                       pieces.prose(other.answer)),
    )  # fmt: skip


def _lines(title: str, lines: tuple[Line, ...], equal: str) -> Html:
    if not any(line.change != "same" for line in lines):
        return pieces.section(title, el("p", equal, cls="dim"))
    drawn = (el("div", f"{_MARKS[line.change]} {line.text}", cls=f"diff-{line.change}") for line in lines)
    return pieces.section(title, el("div", drawn, cls="diff"))


PAGE = Page("/compare", "", ask, under="/sessions", timed=False)
