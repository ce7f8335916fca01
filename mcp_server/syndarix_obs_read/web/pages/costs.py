"""What did it cost? The ledger summed by any dimension; estimates and calls without a price stand apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.costs import Budget, CostGroup, CostSummary, summarise_costs
from syndarix_obs_read.answers.other_models import OTHER_TOKENS, other_models
from syndarix_obs_read.backends.rows import DIMENSIONS, Dimension
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import charts, common, filters, tables
from syndarix_obs_read.web.view import Page, View

_WORDS = ("agent", "project", "user", "task_type", "model")
_RARE = ("session",)
_SHOWN = ("what_if",)
_NAMES: Final = {"task_type": "task type"}
_COLUMNS = (
    *tables.columns(">share", ">calls?", ">tokens?", ">in?", ">cache?", ">out?", ">reasoning?"),
    tables.Column("exact", number=True, about="Calls whose tokens the provider reported"),
    tables.Column("estimated", number=True, about="Calls whose tokens, and so cost, are an estimate"),
    tables.Column("unpriced", number=True, about="Calls of models without a known price: in no sum"),
)


async def ask(asked: Asked) -> View:
    """The sums."""
    by = dimensions(asked.word("by") or "agent")
    settings = asked.settings
    found = await attempt(
        summarise_costs(
            asked.backend, asked.filter(*_WORDS, *_RARE), asked.period(), by, limit=asked.limit(), zone=asked.zone,
            daily_budget=settings.daily_budget_usd, monthly_budget=settings.monthly_budget_usd,
            what_if=other_models([asked.word("what_if") or ""], settings.prices_file),
        )
    )  # fmt: skip
    return View("Costs", {"costs": found}, lambda: joined((
        filters.form(asked, *_WORDS, rare=(*_RARE, *_SHOWN)),
        el("div", choice(asked, by), _yesterday(asked), cls="choices"),
        common.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def dimensions(text: str) -> tuple[Dimension, ...]:
    """The dimensions of `?by=`; FilterError for one that there is not."""
    found = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in found:
        if name not in DIMENSIONS:
            raise FilterError(f"costs cannot be grouped by {name!r}; possible: {', '.join(DIMENSIONS)}")
    return cast(tuple[Dimension, ...], found)


def choice(asked: Asked, by: tuple[Dimension, ...], possible: Sequence[Dimension] = DIMENSIONS) -> Html:
    """Links to the same page by each dimension."""
    links: list[Child] = [
        el("a", _NAMES.get(each, each), href=asked.here(by=each, limit=None),
           aria_current="true" if by == (each,) else None)
        for each in possible
    ]  # fmt: skip
    if len(by) > 1:
        links.append(el("span", ", ".join(by), aria_current="true"))
    return el("nav", el("span", "by", cls="dim"), links, cls="time", aria_label="Group by")


def _yesterday(asked: Asked) -> Html:
    words = {word: asked.word(word) for word in _WORDS}
    return el("p", el("a", "yesterday beside the day before", href=asked.to("/day", day="yesterday", **words)),
              cls="quiet way")  # fmt: skip


def _draw(asked: Asked, answer: CostSummary) -> Child:
    tiles = el(
        "div",
        common.tile(answer.period.text if answer.period else "all", common.money(answer.cost), _split(answer)),
        budget("today", answer.today, href=asked.to("/day", day="today")),
        budget("this month", answer.month_to_date),
        common.tile("calls", f.count(answer.cost.calls), f"{answer.tokens.total:,} tokens"),
        (common.tile(f"with {model}", f.money(usd), "the same tokens") for model, usd in answer.what_if.items()),
        cls="tiles",
    )
    if not answer.groups:
        return tiles, common.empty(answer, "costs")
    days = [(each.key["day"] or "", each.cost) for each in answer.groups] if answer.by == ("day",) else []
    return (
        tiles,
        common.section("By day", charts.days(days, lambda day: asked.to("/day", day=day))) if days else None,
        table(asked, answer),
        _unpriced(answer),
        tables.larger(asked, answer, len(answer.groups)),
        common.hints(answer),
    )


def budget(label: str, found: Budget, *, href: str | None = None) -> Html:
    """What a span of time cost, beside what it may cost; `href` is where it leads."""
    note: Child = None
    tone = ""
    if found.budget_usd is not None:
        note = (charts.share(found.used, "mini"), f" {f.percent(found.used)} of {f.money(found.budget_usd)}")
        tone = "is-error" if (found.used or 0) >= 1 else "is-warning" if (found.used or 0) >= 0.8 else ""
    return common.tile(label, common.money(found.spent), note, href=href, tone=tone)


def _split(answer: CostSummary) -> Child:
    cost = answer.cost
    words = []
    if cost.estimated_calls:
        words.append(f"{f.money(cost.estimated_usd)} estimated")
    if cost.unpriced_calls:
        words.append(f"{cost.unpriced_calls:,} unpriced")
    return ", ".join(words) or "all exact"


def table(asked: Asked, answer: CostSummary) -> Html:
    """Groups as a table, with the whole under it."""
    others = (tables.Column(f"with {model}", number=True, about=OTHER_TOKENS) for model in answer.what_if)
    named = (tables.Column(_NAMES.get(name, name), grows=at == 0) for at, name in enumerate(answer.by))
    heads = (*named, *_COLUMNS, *others)
    rows = [(_row(asked, answer, each), "") for each in answer.groups]
    return tables.table(heads, rows, caption="Costs by " + ", ".join(answer.by))


def _row(asked: Asked, answer: CostSummary, group: CostGroup) -> list[Child]:
    tokens, cost = group.tokens, group.cost
    return [
        *(_key(asked, name, group.key[name]) for name in answer.by),
        charts.rate(group.share, ""),
        f.count(cost.calls),
        f.count(tokens.total),
        f.count(tokens.input),
        f.count(tokens.cache_read + tokens.cache_write),
        f.count(tokens.output),
        f.count(tokens.reasoning),
        f.NOTHING if cost.calls == cost.estimated_calls + cost.unpriced_calls else f.money(cost.exact_usd),
        el("span", "~", f.money(cost.estimated_usd), cls="is-estimate") if cost.estimated_calls else f.NOTHING,
        el("span", f"{cost.unpriced_calls:,} calls" if cost.unpriced_calls > 1 else "1 call",
           cls="is-warning over", title=", ".join(cost.unpriced_models)) if cost.unpriced_calls else f.NOTHING,
        *(f.money(group.what_if.get(model)) for model in answer.what_if),
    ]  # fmt: skip


def _key(asked: Asked, name: str, value: str | None) -> Child:
    if value is None:
        return el("span", "none named", cls="dim")
    if name == "day":
        return el("a", value, href=asked.to("/day", day=value))
    shown = value if name != "user" or len(value) <= 12 else value[:10] + "…"
    return el("a", shown, href=asked.to("/traces", **{name: value}), title=value)


def _unpriced(answer: CostSummary) -> Html | None:
    models = answer.cost.unpriced_models
    if not models:
        return None
    return el("p", "No known price, in no sum: ", (el("code", model) for model in models),
              ". Prices of your own: ", el("code", "SYNDARIX_OBS_PRICES_FILE"), ".", cls="note")  # fmt: skip


PAGE = Page("/costs", "Costs", ask, since="30d")
