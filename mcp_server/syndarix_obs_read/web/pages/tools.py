"""Which tool hurts, when, and whose? Heat maps of calls, failures and dollars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.tools import Cell, Column, ToolUsage, tool_usage
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import filters, heat, pieces
from syndarix_obs_read.web.view import Page, View

_WORDS: Final = ("agent", "project", "user", "task_type")
SHOW: Final = ("failed", "calls", "dollars")
"""What the colour says."""
_BY: Final = {"time": "over time", "hour": "by hour of the day", "agent": "by agent", "version": "by version"}
_MOST_TOOLS: Final = 40


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
        filters.form(asked, *_WORDS), _choices(asked, show, when, who),
        (pieces.shown(each, lambda answer: _draw(asked, answer, show)) for each in found),
    )))  # fmt: skip


def _choices(asked: Asked, show: str, when: str, who: str) -> Html:
    groups = (("show", show, SHOW), ("when", when, ("time", "hour")), ("who", who, ("agent", "version")))
    return el("div", (
        el("nav", (el("a", name, href=asked.here(**{word: name}), aria_current="true" if name == chosen else None)
                   for name in names), cls="time", aria_label=f"Choose {word}")
        for word, chosen, names in groups
    ), cls="choices")  # fmt: skip


def _draw(asked: Asked, answer: ToolUsage, show: str) -> Child:
    if not answer.cells:
        return pieces.empty(answer, "tool calls")
    columns = {each.name: each for each in answer.columns}
    squares = {(c.tool, c.column): _square(asked, answer, c, columns[c.column], show) for c in answer.cells}
    about = f"{show} of tools {_BY[answer.by]}"
    drawn = heat.draw(answer.tools[:_MOST_TOOLS], tuple(columns), squares, about)
    left = len(answer.tools) - _MOST_TOOLS
    return pieces.section(
        f"Tools {_BY[answer.by]}",
        el("div", drawn, cls="drawing", tabindex=0, role="region", aria_label=about),
        el("p", f"{left} further tools are not drawn; narrow by agent", cls="dim") if left > 0 else None,
        pieces.hints(answer),
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
