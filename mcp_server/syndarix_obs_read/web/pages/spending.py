"""What was it spent for? Dollars for each success, what was in vain, what the context cost and caching saved."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.spending import BY, SpendingReport, SuccessGroup, get_spending
from syndarix_obs_read.outcomes import in_words
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import common, filters, tables
from syndarix_obs_read.web.view import Page, View

_WORDS = ("agent", "project", "task_type", "model")
_COLUMNS: Final = (
    *tables.columns(">sessions", ">succeeded", ">cost"),
    tables.Column("per success", number=True, about="Dollars of ended sessions ÷ successes"),
    tables.Column("95%", number=True, spare=True, about="Sessions drawn anew 1,000 times"),
    tables.Column("failed", number=True, about="Spent on sessions that failed"),
    tables.Column("loops", number=True, about="Spent on model calls within loops, a part of the rest"),
    tables.Column("not ended", number=True, spare=True, about="Sessions that run, or whose outcome nobody told"),
)


async def ask(asked: Asked) -> View:
    """The report."""
    by = tuple(word.strip() for word in (asked.word("by") or "agent").split(",") if word.strip())
    found = await attempt(
        get_spending(
            asked.backend, asked.filter(*_WORDS), asked.period(), by, outcome=asked.word("outcome"),
            limit=asked.limit(), zone=asked.zone, prices_file=asked.settings.prices_file,
        )
    )  # fmt: skip
    return View("Spending", {"spending": found}, lambda: joined((
        filters.form(asked, *_WORDS), _choice(asked, by), common.shown(found, lambda answer: _draw(answer)),
    )))  # fmt: skip


def _choice(asked: Asked, by: tuple[str, ...]) -> Html:
    links = [
        el("a", each.replace("_", " "), href=asked.here(by=each, limit=None),
           aria_current="true" if by == (each,) else None)
        for each in BY
    ]  # fmt: skip
    return el("nav", el("span", "by", cls="dim"), links, cls="time", aria_label="Group by")


def _draw(answer: SpendingReport) -> Child:
    whole, context, cache = answer.whole, answer.context, answer.caching
    tiles = el(
        "div",
        common.tile("per success", f.money(whole.per_success_usd), _interval(whole)),
        common.tile("failed sessions", f.money(whole.failed_usd), f"{whole.failures:,} sessions"),
        common.tile("loops", f.money(whole.looping_usd), "model calls within loops"),
        common.tile("results sent again", f.money(context.carried_usd), f"{context.carried_tokens:,} tokens"),
        common.tile("caches saved", f.money(cache.saved_usd), f"up to {f.money(cache.could_save_usd)} more"),
        cls="tiles",
    )
    if not whole.cost.calls:
        return tiles, common.empty(answer, "costs")
    heads = (*(tables.Column(name.replace("_", " "), grows=at == 0) for at, name in enumerate(answer.by)), *_COLUMNS)
    rows = [([*(common.name(value) for value in each.key.values()), *_cells(each)], "") for each in answer.groups]
    return (
        tiles,
        tables.table(heads, rows, caption="Cost for each success by " + ", ".join(answer.by)),
        el("p", in_words(answer.failed_outcomes) if answer.outcome is None else f"success: {answer.outcome}",
           cls="dim"),
        _tools(answer),
        common.hints(answer),
    )  # fmt: skip


def _interval(group: SuccessGroup) -> str | None:
    if group.low_usd is None:
        return None
    high = f.money(group.high_usd) if group.high_usd is not None else "∞"
    return f"{f.money(group.low_usd)} to {high}"


def _cells(group: SuccessGroup) -> list[Child]:
    ended = group.successes + group.failures
    return [
        f.count(group.sessions), f.percent(group.successes / ended if ended else None), common.money(group.cost),
        f.money(group.per_success_usd), _interval(group) or f.NOTHING, f.money(group.failed_usd),
        f.money(group.looping_usd), f.money(group.unknown_usd),
    ]  # fmt: skip


def _tools(answer: SpendingReport) -> Child:
    if not answer.context.by_tool:
        return None
    rows: list[tuple[list[Child], str]] = [
        ([common.name(tool), f.money(usd)], "") for tool, usd in answer.context.by_tool.items()
    ]
    return common.section(
        "Tool results sent again",
        el("p", "What it cost to send results with every call after the one that first read them."),
        tables.table(tables.columns("tool*", ">dollars"), rows, caption="Tools whose results are sent again"),
    )


PAGE = Page("/spending", "Spending", ask, since="30d")
