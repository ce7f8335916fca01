"""Two of a kind side by side: runs, versions, prompts, models or times; the address holds both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.answers.compare import Comparison, Line, RunComparison, Side, compare, compare_groups
from syndarix_obs_read.answers.compare_groups import OF, FigurePair, Groups
from syndarix_obs_read.answers.empty import FILL
from syndarix_obs_read.errors import FilterError, NotFound
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.pages import diff as diff_page
from syndarix_obs_read.web.parts import charts, pieces, tables
from syndarix_obs_read.web.view import Page, View

_HEADS = tables.columns("", "before*", "after*")
_FIGURES = tables.columns("figure*", ">before", ">after", ">of", ">and", "beyond chance?")
_TOOLS = tables.columns("tool*", ">calls before", ">failed", ">calls after", ">failed")
_ERRORS = tables.columns(">before", ">after", "where", "error*")
_MARKS: Final = {"same": " ", "gone": "−", "new": "+"}
_SHARES: Final = ("errors", "failures")


class Offer(Answer):
    """Two have not been named yet."""


async def ask(asked: Asked) -> View:
    """The comparison, or a form that asks for it."""
    before, after = _named(asked)
    if before is None or after is None:
        offer = await attempt(_offer(asked))
        return View("Compare", {"comparison": offer}, lambda: joined((_form(asked), pieces.shown(offer, pieces.hints))))
    found = await attempt(_compare(asked, before, after))
    return View("Compare", {"comparison": found}, lambda: joined((
        _form(asked), pieces.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def _named(asked: Asked) -> tuple[str | None, str | None]:
    """Both; `before` and `after` stand in older addresses, and mean an older page of a list elsewhere."""
    return asked.word("a") or asked.word("before"), asked.word("b") or asked.word("after")


async def _offer(asked: Asked) -> Offer:
    empty = await asked.backend.extent() is None
    return Offer(backend=asked.backend.name, hints=(FILL,) if empty else ())


async def _compare(asked: Asked, before: str, after: str) -> Comparison:
    of = asked.word("of") or "run"
    if of not in OF:
        raise FilterError(f"cannot compare by {of!r}; possible: {', '.join(OF)}")
    if of != "run":
        where, period = asked.filter("agent"), asked.period()
        return await compare_groups(asked.backend, asked.settings, of, before, after, where, period)
    if before.endswith(".json") or after.endswith(".json"):
        raise NotFound("a page compares what is stored; compare files with the command `syndarix-obs diff`")
    return await compare(asked.backend, before, after, asked.settings, limit=asked.limit(60, 500))


def _form(asked: Asked) -> Html:
    chosen = asked.word("of") or "run"
    options = (el("option", each, value=each, selected=each == chosen) for each in OF)
    kept = {name: value for name, value in asked.given.items() if name in ("since", "until")}
    return el(
        "form",
        (el("input", type="hidden", name=name, value=value) for name, value in kept.items()),
        el("div", el("label", "Compare two", for_="compare-of"), el("select", options, name="of", id="compare-of"),
           cls="field"),
        (_field(asked, *each) for each in (
            ("a", "Before", "id, version, 14d..7d"), ("b", "After", "id, version, 7d..now"),
            ("agent", "Agent", ""),
        )),
        el("div", el("button", "Compare", type="submit"), cls="actions"),
        method="get", action=PAGE.path, cls="filters",
    )  # fmt: skip


def _field(asked: Asked, word: str, label: str, example: str) -> Html:
    identifier = f"compare-{word}"
    before, after = _named(asked)
    value = {"a": before, "b": after}.get(word, asked.word(word)) or ""
    field = el("input", type="text", name=word, id=identifier, value=value, placeholder=example or None,
               autocomplete="off")  # fmt: skip
    return el("div", el("label", label, for_=identifier), field, cls="field wide" if example else "field")


def _draw(asked: Asked, answer: Comparison) -> Child:
    if answer.groups is not None:
        return _groups(asked, answer.groups), pieces.hints(answer)
    one, other = answer.before, answer.after
    beside = None if one is None or other is None else _sides(asked, answer, one, other)
    prompts = None if one is None else _lines("Prompts", answer.prompt, "The prompts are equal, or are not kept.")
    if isinstance(answer, RunComparison) and answer.aligned is not None:
        steps = pieces.section("Step by step", diff_page.draw(answer.aligned))
    else:
        steps = _lines("Steps", answer.steps, "The same steps in the same order.")
    return beside, prompts, steps, pieces.hints(answer)


def _sides(asked: Asked, answer: Comparison, one: Side, other: Side) -> Child:
    names = sorted(one.configuration.keys() | other.configuration.keys())
    rows: list[tuple[list[Child], str]] = [
        (["run", _run(asked, one), _run(asked, other)], ""),
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
        pieces.section("Answers", el("h3", "before"), pieces.prose(one.answer), el("h3", "after"),
                       pieces.prose(other.answer)),
    )  # fmt: skip


def _run(asked: Asked, side: Side) -> Html:
    return el("a", pieces.short(side.session_id), href=asked.to("/interactions", run=side.session_id),
              title=side.session_id)  # fmt: skip


def _lines(title: str, lines: tuple[Line, ...], equal: str) -> Html:
    if not any(line.change != "same" for line in lines):
        return pieces.section(title, el("p", equal, cls="dim"))
    drawn = (el("div", f"{_MARKS[line.change]} {line.text}", cls=f"diff-{line.change}") for line in lines)
    return pieces.section(title, el("div", drawn, cls="diff"))


def _groups(asked: Asked, found: Groups) -> Child:
    one, other = found.before, found.after
    counts: list[tuple[list[Child], str]] = [
        (["", pieces.name(one.name), pieces.name(other.name)], ""),
        (["sessions", f.count(one.sessions), f.count(other.sessions)], ""),
        (["model calls", f.count(one.model_calls), f.count(other.model_calls)], ""),
        (["tool calls", f.count(one.tool_calls), f.count(other.tool_calls)], ""),
        (["tokens", f.count(one.tokens), f.count(other.tokens)], ""),
        (["cost", f.money(one.cost_usd), f.money(other.cost_usd)], ""),
    ]
    figures = ((_figure(pair), "is-warning" if pair.differs else "") for pair in found.figures)
    tools: Iterable[tuple[list[Child], str]] = (
        (
            [
                el("a", t.tool, href=asked.to("/traces", tool=t.tool)),
                f.count(t.calls_before),
                f.count(t.failed_before),
                f.count(t.calls_after),
                f.count(t.failed_after),
            ],
            "",
        )
        for t in found.tools
    )
    errors: Iterable[tuple[list[Child], str]] = (
        ([f.count(e.before), f.count(e.after), e.where, e.pattern], "") for e in found.errors
    )
    return (
        tables.table(_HEADS, counts, caption="Both groups"),
        pieces.section("Figures", tables.table(_FIGURES, figures, caption="Figures on both sides")),
        pieces.section("Tools", tables.table(_TOOLS, tools, caption="Tools on both sides")) if found.tools else None,
        pieces.section("Errors", tables.table(_ERRORS, errors, caption="Errors on both sides"))
        if found.errors else None,
    )  # fmt: skip


def _figure(pair: FigurePair) -> list[Child]:
    said = "too few sessions" if pair.chance is None else f"yes, p {pair.chance:.2g}" if pair.differs else "no"
    return [
        pair.about, _amount(pair, pair.before), _amount(pair, pair.after), f.count(pair.observed_before),
        f.count(pair.observed_after), said,
    ]  # fmt: skip


def _amount(pair: FigurePair, value: float | None) -> Child:
    if value is None:
        return f.NOTHING
    if pair.name in _SHARES:
        return charts.rate(value)
    if pair.name in ("latency", "tool_latency"):
        return f.seconds(value)
    return f"${value:.4g}" if pair.name == "cost" else f"{value:,.0f}"


PAGE = Page("/compare", "Compare", ask, since="7d")
