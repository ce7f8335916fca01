"""Which tool hurts, when, and whose? Heat maps of calls, failures and dollars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.tools import Cell, Column, ToolUsage, Total, tool_usage
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import charts, common, filters, heat, tables
from syndarix_obs_read.web.view import Page, View

_WORDS: Final = ("agent", "project", "user", "task_type")
SHOW: Final = ("failed", "calls", "dollars")
"""What the colour says."""
_BY: Final = {"time": "over time", "hour": "by hour of the day", "agent": "by agent", "version": "by version"}
_MOST_TOOLS: Final = 40
_MOST_RANKED: Final = 12
_RANKING = (
    *tables.columns("tool*", ">calls", ">failed", ">of its calls", ">p50", ">p95"),
    tables.Column("cost", number=True, about="Of the model calls that asked for it, shared among what they asked for"),
    tables.Column("of all", number=True, about="Its share of that cost"),
)


async def ask(asked: Asked) -> View:
    """Two heat maps: over time or by hour of the day, and by agent or version."""
    show = asked.word("show") or SHOW[0]
    if show not in SHOW:
        raise FilterError(f"`show` is {show!r}; possible: {', '.join(SHOW)}")
    when, who = asked.word("when") or "time", asked.word("who") or "agent"
    where, period = asked.filter(*_WORDS), asked.period()
    found = [await attempt(tool_usage(asked.backend, where, period, by, asked.zone)) for by in (when, who)]
    answers = {"when": found[0], "who": found[1]}
    return View("Tools", answers, lambda: joined((
        filters.form(asked, *_WORDS), common.shown(found[0], lambda answer: _ranking(asked, answer)),
        _choices(asked, show, when, who),
        (common.shown(each, lambda answer: _draw(asked, answer, show)) for each in found),
    )))  # fmt: skip


def _ranking(asked: Asked, answer: ToolUsage) -> Child:
    """Which tool hurts: the one that fails most stands first."""
    if not answer.totals:
        return None
    rows = ((_total(asked, answer, each), "") for each in answer.totals[:_MOST_RANKED])
    left = len(answer.totals) - _MOST_RANKED
    return common.section(
        "Which tool hurts", el("p", _verdict(answer), cls="lead"),
        tables.table(_RANKING, rows, caption="Tools, those that fail most first"),
        el("p", f"and {left} further tools", cls="dim") if left > 0 else None,
    )  # fmt: skip


def _verdict(answer: ToolUsage) -> str:
    worst = answer.totals[0]
    slowest = max(answer.totals, key=lambda each: each.took.p95 or 0)
    slow = f"{slowest.tool} is the slowest (p95 {f.seconds(slowest.took.p95)})"
    if not worst.failed:
        return f"No call failed. {slow[0].upper()}{slow[1:]}."
    return f"{worst.tool} fails most: {worst.failed:,} of {worst.calls:,} calls, " + (
        f"and it is the slowest (p95 {f.seconds(worst.took.p95)})." if slowest is worst else f"{slow}."
    )


def _total(asked: Asked, answer: ToolUsage, each: Total) -> list[Child]:
    share = each.cost_usd / answer.cost_usd if each.cost_usd and answer.cost_usd else None
    failed = el("a", f"{each.failed:,}", cls="is-error over",
                href=asked.to("/traces", tool=each.tool, status="error")) if each.failed else f.NOTHING  # fmt: skip
    return [
        el("a", each.tool, href=asked.to("/traces", tool=each.tool), cls="row"), f.count(each.calls), failed,
        charts.rate(each.failed / each.calls, "mini is-error"), f.seconds(each.took.p50), f.seconds(each.took.p95),
        f.money(each.cost_usd), charts.rate(None if share is None else float(share)),
    ]  # fmt: skip


def _choices(asked: Asked, show: str, when: str, who: str) -> Html:
    groups = (("show", show, SHOW), ("when", when, ("time", "hour")), ("who", who, ("agent", "version")))
    return el("div", (
        el("nav", (el("a", name, href=asked.here(**{word: name}), aria_current="true" if name == chosen else None)
                   for name in names), cls="time", aria_label=f"Choose {word}")
        for word, chosen, names in groups
    ), cls="choices")  # fmt: skip


def _draw(asked: Asked, answer: ToolUsage, show: str) -> Child:
    if not answer.cells:
        return common.empty(answer, "tool calls")
    columns = {each.name: each for each in answer.columns}
    squares = {(c.tool, c.column): _square(asked, answer, c, columns[c.column], show) for c in answer.cells}
    about = f"{show} of tools {_BY[answer.by]}"
    drawn = heat.draw(answer.tools[:_MOST_TOOLS], tuple(columns), squares, about)
    left = len(answer.tools) - _MOST_TOOLS
    return common.section(
        f"Tools {_BY[answer.by]}",
        el("div", drawn, cls="drawing", tabindex=0, role="region", aria_label=about),
        el("p", f"{left} further tools are not drawn; narrow by agent", cls="dim") if left > 0 else None,
        common.hints(answer),
        aside=f"{answer.calls:,} calls, {answer.failed:,} failed, {f.money(answer.cost_usd)}",
    )


def _square(asked: Asked, answer: ToolUsage, cell: Cell, column: Column, show: str) -> heat.Square:
    dollars = f.money(cell.cost_usd) if cell.cost_usd is not None else "no price"
    words = f"{cell.tool}, {cell.column}: {cell.calls:,} calls, {cell.failed:,} failed, {dollars}"
    amounts: Mapping[str, tuple[float, str]] = {
        "calls": (cell.calls, f"{cell.calls}"),
        "failed": (cell.failed, f"{cell.failed}" if cell.failed else ""),
        "dollars": (float(cell.cost_usd or 0), ""),
    }
    amount, text = amounts[show]
    return heat.Square(amount, text, words, _leads(asked, answer, cell, column), loud=show == "failed")


def _leads(asked: Asked, answer: ToolUsage, cell: Cell, column: Column) -> str:
    """The traces behind a cell."""
    words: dict[str, str | int | None] = {"tool": cell.tool, "agent": asked.word("agent")}
    if answer.by == "agent" and cell.column != f.NOTHING:
        words["agent"] = cell.column
    if column.since_ns is not None and column.until_ns is not None:
        words |= {"since": f"{column.since_ns // 10**9}", "until": f"{column.until_ns // 10**9}"}
    return asked.to("/traces", **words)


PAGE = Page("/tools", "Tools", ask, since="7d")
