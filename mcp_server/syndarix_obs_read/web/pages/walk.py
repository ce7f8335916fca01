"""A run step by step: ← and →, a slider, and an address for each step."""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.walk import Walk, walk
from syndarix_obs_read.errors import FilterError, NotFound
from syndarix_obs_read.web.asked import Asked, address, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import pieces, values
from syndarix_obs_read.web.view import Page, View


async def ask(asked: Asked) -> View:
    """One step; the first without a number."""
    found = await attempt(_found(asked))
    title = f"Step {found.number}: {found.title}" if isinstance(found, Walk) else "Step"
    return View(title, {"walk": found}, lambda: pieces.shown(found, lambda walk: _draw(asked, walk)))


async def _found(asked: Asked) -> Walk:
    run = asked.needed("run")
    if run.endswith(".json"):
        raise NotFound("a page steps through what is stored, not through files")
    return await walk(asked.backend, asked.settings, run, _number(asked.word("n")))


def _number(word: str | None) -> int:
    if word is None:
        return 1
    if not word.isascii() or not word.isdigit() or len(word) > 6 or int(word) < 1:
        raise FilterError(f"`n` is {word!r}; it is the number of a step, from 1")
    return int(word)


def _draw(asked: Asked, found: Walk) -> Html:
    return joined((
        el("header", pieces.chip(found.kind), el("h2", found.title), _ways(found), cls="step-head"),
        _slider(found),
        el("div", el("b", found.error), cls="trouble") if found.error else None,
        _facts(asked, found),
        _choice(found),
        _payload(found),
        el("section", el("h3", "notes"), el("ul", (el("li", note.note) for note in found.notes), cls="events"),
           cls="field") if found.notes else None,
    ))  # fmt: skip


def _here(found: Walk, number: int) -> str:
    return address(PAGE.path, run=found.run, n=number)


def _ways(found: Walk) -> Html:
    to: list[Child] = []
    for sign, number, words in (("←", found.number - 1, "Previous step"), ("→", found.number + 1, "Next step")):
        if 1 <= number <= found.total_steps:
            to.append(el("a", sign, href=_here(found, number), cls="button", aria_label=words, title=words))
    return el("nav", el("span", f"{found.number:,} of {found.total_steps:,}", cls="dim num"), to, cls="ways")


def _slider(found: Walk) -> Html:
    """A form, so that it works without a script."""
    return el(
        "form",
        el("input", type="hidden", name="run", value=found.run),
        el("label", "Step", for_="walk-n"),
        el("input", id="walk-n", type="range", name="n", min="1", max=str(found.total_steps),
           value=str(found.number)),
        el("button", "Go", cls="button"),
        method="get", action=PAGE.path, cls="filters slider",
    )  # fmt: skip


def _facts(asked: Asked, found: Walk) -> Html:
    return pieces.facts((
        ("status", pieces.badge(found.status)),
        ("agent", found.agent),
        ("took", f.duration(found.seconds * 1000)),
        ("began", pieces.moment(found.started, asked.zone, precise=True)),
        ("tokens", f"{found.tokens:,}" if found.tokens else None),
        ("cost", f.money(found.cost_usd) if found.cost_usd is not None else None),
        ("time so far", f.duration(found.seconds_so_far * 1000)),
        ("tokens so far", f"{found.tokens_so_far:,}"),
        ("cost so far", f.money(found.cost_so_far_usd)),
        ("run", el("a", pieces.short(found.run), href=asked.to("/session", id=found.run))),
        ("in its trace", pieces.trace_link(asked, found.trace_id or None, step=found.span_id)),
    ))  # fmt: skip


def _choice(found: Walk) -> Html | None:
    if not found.options:
        return None
    chosen = (found.selected or "").split(" + ")
    options = el(
        "ul",
        (el("li", name, cls="chosen" if name in chosen else None, aria_current="true" if name in chosen else None)
         for name in found.options),
        cls="options",
    )  # fmt: skip
    why = found.reasoning or f"no reason was given (source: {found.reason_source or 'unknown'})"
    return el("section", el("h3", "choice"), options, el("p", why, cls="reason"), cls="field")


def _payload(found: Walk) -> Html:
    if found.kind == "tool":
        return values.payload({"arguments": found.context, "result": found.came_back}, None)
    told = {"system": found.system} if found.system else {}
    return values.payload({**told, "input": found.context, "output": found.came_back}, None)


PAGE = Page("/walk", "", ask, under="/sessions", timed=False)
