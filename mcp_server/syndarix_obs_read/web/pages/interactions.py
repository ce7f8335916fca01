"""Who spoke to whom in one run: a sequence diagram with repeats collapsed, and the run as a graph."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.interactions import Interaction, Interactions, interactions
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import common, graph, sequence, tables
from syndarix_obs_read.web.view import Page, View

_ARROWS: Final = 200
_MOST_ARROWS: Final = 2_000
_EDGES = tables.columns("from", "to", "what*", ">times", ">failed")


async def ask(asked: Asked) -> View:
    """The interactions of a session or trace."""
    run, limit = asked.needed("run"), asked.limit(_ARROWS, _MOST_ARROWS)
    found = await attempt(interactions(asked.backend, run, limit=limit))
    title = f"Interactions of {common.short(found.run)}" if isinstance(found, Interactions) else "Interactions"
    return View(title, {"interactions": found}, lambda: common.shown(found, lambda answer: _draw(asked, answer)))


def _draw(asked: Asked, answer: Interactions) -> Html:
    if not answer.messages:
        return common.empty(answer, "interactions")
    return joined((
        _about(asked, answer),
        common.section("Sequence", drawn(asked, answer), _more(asked, answer), common.hints(answer),
                       _text("as Mermaid text", answer.mermaid), aside=f"{answer.total or 0:,} arrows"),
        common.section("Flow", el("p", "What came right after what; red leads to failures.", cls="lead"), flow(answer),
                       _text("as Mermaid text", answer.flow_mermaid)),
        common.section("Between whom", _edges(answer)),
    ))  # fmt: skip


def _about(asked: Asked, answer: Interactions) -> Html:
    if answer.is_session:
        back = common.session_link(asked, answer.run, "the session")
    else:
        back = common.trace_link(asked, answer.run, "the trace")
    return common.facts((
        ("run", back),
        ("took", f.duration(answer.duration_ms)),
        ("participants", f"{len(answer.participants)}"),
        ("interactions", f.count(sum(each.count for each in answer.edges))),
        ("model calls", f.count(answer.model_calls)),
        ("tokens", f.count(answer.tokens)),
        ("cost", f.money(answer.cost_usd)),
    ))  # fmt: skip


def drawn(asked: Asked, answer: Interactions) -> Html:
    """The sequence in a box that scrolls, each arrow leading to its step."""

    def link(each: Interaction) -> str | None:
        step = each.span_ids[0] if each.span_ids else None
        return asked.to("/trace", id=each.trace_id, step=step) if each.trace_id else None

    return el("div", sequence.draw(answer.participants, answer.messages, link), cls="drawing", tabindex=0,
              role="region", aria_label="Sequence diagram")  # fmt: skip


def flow(answer: Interactions) -> Html:
    """The graph in a box that scrolls."""
    arrows = [
        graph.Arrow(
            e.before, e.after, e.count, f"{e.count}×" + (f" {e.failed} failed" if e.failed else ""), e.failed > 0
        )
        for e in answer.flow
    ]
    return el("div", graph.draw(arrows, f"Flow of {answer.run}"), cls="drawing", tabindex=0, role="region",
              aria_label="Flow")  # fmt: skip


def _text(words: str, text: str) -> Html:
    return el("details", el("summary", words), el("pre", text), cls="as-text")


def _more(asked: Asked, answer: Interactions) -> Html | None:
    if not answer.more or len(answer.messages) >= _MOST_ARROWS:
        return None
    link = el("a", "show more", href=asked.here(limit=min(_MOST_ARROWS, 4 * len(answer.messages))), cls="button")
    return el("p", link, cls="pager")


def _edges(answer: Interactions) -> Html:
    names = {each.id: each.name for each in answer.participants}
    rows: list[tuple[list[Child], str]] = [
        ([common.name(names[e.source]), common.name(names[e.target]), e.kind, f.count(e.count), f.count(e.failed)],
         "is-error" if e.failed else "")
        for e in sorted(answer.edges, key=lambda each: -each.count)
    ]  # fmt: skip
    return tables.table(_EDGES, rows, caption="Interactions between participants")


PAGE = Page("/interactions", "", ask, under="/sessions", timed=False)
