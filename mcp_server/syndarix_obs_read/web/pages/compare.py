"""Two of a kind side by side: runs, versions, prompts, models or times; the address holds both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.answers.compare import Comparison, Line, RunComparison, Side, compare, compare_groups
from syndarix_obs_read.answers.compare_groups import OF, FigurePair, Groups
from syndarix_obs_read.answers.previews import PreviewedSession, PreviewedSessions
from syndarix_obs_read.errors import FilterError, NotFound
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.pages import diff as diff_page
from syndarix_obs_read.web.parts import charts, choosing, common, tables
from syndarix_obs_read.web.view import Page, View

_HEADS = tables.columns("", "before*", "after*")
_SIDES = tables.columns("", "before*", "after*", ">difference")
_CONTEXT: Final = 2
"""Equal lines that are shown around a difference."""
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
        return await _offer(asked, before or after)
    found = await attempt(_compare(asked, before, after))
    return View("Compare", {"comparison": found}, lambda: joined((
        _form(asked), common.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def _named(asked: Asked) -> tuple[str | None, str | None]:
    """Both; `before` and `after` stand in older addresses, and mean an older page of a list elsewhere."""
    return asked.word("a") or asked.word("before"), asked.word("b") or asked.word("after")


async def _offer(asked: Asked, chosen: str | None) -> View:
    """Runs to choose from, where runs are to be compared."""
    if (asked.word("of") or "run") != "run":
        nothing = Offer(backend=asked.backend.name)
        return View("Compare", {"comparison": nothing}, lambda: _form(asked))
    runs = await choosing.last_runs(asked, asked.word("agent"))
    return View("Compare", {"runs": runs}, lambda: joined((
        _form(asked), common.shown(runs, lambda answer: _runs(asked, answer, chosen)),
    )))  # fmt: skip


def _runs(asked: Asked, answer: PreviewedSessions, chosen: str | None) -> Child:
    """The first click chooses one run, the second compares the other with it, the older one before."""
    known = next((each for each in answer.sessions if chosen and each.session_id.startswith(chosen)), None)

    def link(each: PreviewedSession) -> str | None:
        if chosen is None:
            return asked.here(a=each.session_id)
        if each is known:
            return None
        older = known is not None and each.started < known.started
        one, other = (each.session_id, chosen) if older else (chosen, each.session_id)
        return asked.here(a=one, b=other, before=None, after=None)

    if chosen is None:
        return choosing.draw(answer, asked, "Choose a run", link)
    return choosing.draw(answer, asked, f"Compare {common.short(chosen)} with", link)


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
        return _groups(asked, answer.groups), common.hints(answer)
    one, other = answer.before, answer.after
    beside = None if one is None or other is None else _sides(asked, answer, one, other)
    prompts = None if one is None else _lines("Prompts", answer.prompt, "The prompts are equal, or are not kept.")
    if isinstance(answer, RunComparison) and answer.aligned is not None:
        steps = common.section("Step by step", diff_page.draw(answer.aligned))
    else:
        steps = _lines("Steps", answer.steps, "The same steps in the same order.")
    return beside, prompts, steps, common.hints(answer)


def _sides(asked: Asked, answer: Comparison, one: Side, other: Side) -> Child:
    names = sorted(one.configuration.keys() | other.configuration.keys())
    rows: list[tuple[list[Child], str]] = [
        (["run", _run(asked, one), _run(asked, other), None], ""),
        (["ended", one.outcome or one.status, other.outcome or other.status, None],
         "differs" if (one.outcome or one.status) != (other.outcome or other.status) else ""),
        (["duration", f.duration(one.duration_ms), f.duration(other.duration_ms),
          _times(one.duration_ms, other.duration_ms)], ""),
        (["tokens", f.count(one.tokens.total), f.count(other.tokens.total),
          _times(one.tokens.total, other.tokens.total)], ""),
        (["cost", common.money(one.cost), common.money(other.cost),
          f.difference((other.cost.total_usd or 0) - (one.cost.total_usd or Decimal(0)))], ""),
    ]  # fmt: skip
    rows += [
        (
            [name.replace("_", " "), _values(one, other, name), _values(other, one, name),
             "differs" if name in answer.differs else None],
            "differs" if name in answer.differs else "",
        )
        for name in names
    ]  # fmt: skip
    return (
        tables.table(_SIDES, rows, caption="What they ran on and how they ended"),
        common.section("Answers", el("div", (
            el("div", el("h3", name), el("p", common.prose(side.answer))) for name, side in
            (("before", one), ("after", other))
        ), cls="two-sides")),
    )  # fmt: skip


def _times(one: float, other: float) -> str | None:
    """How many times as much, where that says more than the figures."""
    return f"×{other / one:,.1f}" if one and other and one != other else None


def _values(side: Side, against: Side, name: str) -> Html:
    """What a run ran on; what only this one had stands out."""
    known = against.configuration.get(name, ())
    return el("span", (
        (", " if at else "", value if value in known else el("b", value, cls="only"))
        for at, value in enumerate(side.configuration.get(name, ()))
    ))  # fmt: skip


def _run(asked: Asked, side: Side) -> Html:
    return el("a", common.short(side.session_id), href=asked.to("/interactions", run=side.session_id),
              title=side.session_id)  # fmt: skip


def _lines(title: str, lines: tuple[Line, ...], equal: str) -> Html:
    if not any(line.change != "same" for line in lines):
        return common.section(title, el("p", equal, cls="dim"))
    drawn = (_line(line) if isinstance(line, Line) else _left_out(line) for line in _around(lines))
    return common.section(title, el("div", drawn, cls="diff"))


def _line(line: Line) -> Html:
    return el("div", f"{_MARKS[line.change]} {line.text}", cls=f"diff-{line.change}")


def _left_out(count: int) -> Html:
    return el("div", f"  … {count:,} equal {'lines' if count > 1 else 'line'}", cls="diff-left")


def _around(lines: tuple[Line, ...]) -> Iterator[Line | int]:
    """The differences with a few equal lines around them, and how many are left out in between."""
    near = {
        place + step for place, line in enumerate(lines) if line.change != "same"
        for step in range(-_CONTEXT, _CONTEXT + 1)
    }  # fmt: skip
    for kept, group in groupby(enumerate(lines), lambda each: each[0] in near):
        part = [line for _, line in group]
        if kept or len(part) == 1:
            yield from part
        else:
            yield len(part)


def _groups(asked: Asked, found: Groups) -> Child:
    one, other = found.before, found.after
    counts: list[tuple[list[Child], str]] = [
        (["", common.name(one.name), common.name(other.name)], ""),
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
        common.section("Figures", tables.table(_FIGURES, figures, caption="Figures on both sides")),
        common.section("Tools", tables.table(_TOOLS, tools, caption="Tools on both sides")) if found.tools else None,
        common.section("Errors", tables.table(_ERRORS, errors, caption="Errors on both sides"))
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
