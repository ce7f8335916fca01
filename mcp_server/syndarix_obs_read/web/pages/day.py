"""What did a day cost, and why more or less than the day before?"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.day_costs import DIMENSIONS, Cause, DayCosts, Mover, day_costs, only
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import filters, pieces, tables
from syndarix_obs_read.web.view import Page, View

_WORDS = ("agent", "project", "user", "task_type", "model")
_CAUSES = tables.columns("what changed*", ">day before", ">this day", ">adds to the cost")
_MOVERS = tables.columns("*", ">day before?", ">this day", ">difference")
_TITLES: Final = {
    "session_id": "Sessions", "agent": "Agents", "model": "Models", "task_type": "Task types", "project": "Projects",
}  # fmt: skip
_NAMES: Final = {
    "calls": "number of model calls", "tokens of a call": "tokens of a call",
    "price of a token": "price of a token: other models, caches",
}  # fmt: skip


async def ask(asked: Asked) -> View:
    """The day and the day before it."""
    day = asked.word("day") or "yesterday"
    found = await attempt(day_costs(asked.backend, asked.filter(*_WORDS), day, zone=asked.zone))
    title = f"Cost of {found.day}" if isinstance(found, DayCosts) else "Cost of a day"
    return View(title, {"day": found}, lambda: joined((
        filters.form(asked, *_WORDS, timed=False), pieces.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def _draw(asked: Asked, answer: DayCosts) -> Child:
    if not answer.cost.calls and not answer.cost_before.calls:
        return _days(asked, answer), pieces.empty(answer, "model calls on either day")
    return (
        _days(asked, answer),
        _tiles(answer),
        el("p", verdict(answer), cls="lead verdict"),
        _causes(answer),
        el("div", (_movers(asked, name, only(answer.movers, name)) for name in DIMENSIONS), cls="grid"),
    )


def _days(asked: Asked, answer: DayCosts) -> Html:
    """Ways to the days around it."""
    after = (date.fromisoformat(answer.day) + timedelta(days=1)).isoformat()
    every = {"since": answer.day, "until": answer.day}
    return el(
        "nav",
        el("a", f"‹ {answer.day_before}", href=asked.here(day=answer.day_before)),
        el("span", answer.day, aria_current="true"),
        el("a", f"{after} ›", href=asked.here(day=after)) if not answer.running else None,
        el("a", "traces of the day", href=asked.to("/traces", **every)),
        el("a", "costs of the day", href=asked.to("/costs", **every)),
        cls="time", aria_label="Day",
    )  # fmt: skip


def _tiles(answer: DayCosts) -> Html:
    tone = "is-warning" if answer.difference_usd > 0 else ""
    note = "the day is not over" if answer.running else None
    return el(
        "div",
        pieces.tile(answer.day, pieces.money(answer.cost), note),
        pieces.tile(answer.day_before, pieces.money(answer.cost_before), "the day before"),
        pieces.tile("difference", f.difference(answer.difference_usd), _percent(answer), tone=tone),
        pieces.tile("model calls", f.count(answer.cost.calls), f"{answer.cost_before.calls:,} the day before"),
        pieces.tile("tokens", f.count(answer.tokens.total), f"{answer.tokens_before.total:,} the day before"),
        pieces.tile("sessions", f.count(answer.sessions), f"{answer.sessions_before:,} the day before"),
        cls="tiles",
    )  # fmt: skip


def _percent(answer: DayCosts) -> str | None:
    before = answer.cost_before.total_usd
    return f"{answer.difference_usd / before:+.0%}" if before else None


def verdict(answer: DayCosts) -> str:
    """The answer in a sentence: the largest cause, and whose difference is the largest."""
    if not answer.difference_usd:
        return "Both days cost the same."
    more = answer.difference_usd > 0
    said = f"{f.money(abs(answer.difference_usd))} {'more' if more else 'less'} than the day before"
    same_way = [each for each in answer.causes if (each.difference_usd > 0) == more]
    if same_way:
        largest = max(same_way, key=lambda each: abs(each.difference_usd))
        said += f", most of it by the {_NAMES[largest.name].partition(':')[0]} ({f.difference(largest.difference_usd)})"
    by_way = [each for each in answer.movers if (each.difference_usd > 0) == more and each.value]
    who = [f"{_word(each)} ({f.difference(each.difference_usd)})" for each in _first_of_each(by_way)]
    return f"{said}. The largest differences: {', '.join(who)}." if who else f"{said}."


def _first_of_each(movers: list[Mover]) -> list[Mover]:
    first: dict[str, Mover] = {}
    for each in movers:
        first.setdefault(each.dimension, each)
    return list(first.values())


def _word(mover: Mover) -> str:
    value = pieces.short(mover.value or "") if mover.dimension == "session_id" else mover.value
    return f"{mover.dimension.removesuffix('_id').replace('_', ' ')} {value}"


def _causes(answer: DayCosts) -> Html | None:
    if not answer.causes:
        return None
    rows = ((_cause(each), "") for each in answer.causes)
    return pieces.section(
        "What the difference is made of", tables.table(_CAUSES, rows, caption="Parts of the difference"),
        aside="calls × tokens of a call × price of a token",
    )  # fmt: skip


def _cause(cause: Cause) -> list[Child]:
    def say(value: float | None) -> str:
        if value is None:
            return f.NOTHING
        return f"${value * 1e6:,.2f} per million" if cause.name == "price of a token" else f"{value:,.0f}"

    return [_NAMES[cause.name], say(cause.before), say(cause.after), f.difference(cause.difference_usd)]


def _movers(asked: Asked, dimension: str, movers: list[Mover]) -> Html | None:
    if not movers:
        return None
    heads = (tables.Column(_TITLES[dimension].lower().removesuffix("s"), grows=True), *_MOVERS[1:])
    rows = (
        (
            (
                _name(asked, each), pieces.money(each.before), pieces.money(each.after),
                f.difference(each.difference_usd),
            ),
            "",
        )
        for each in movers
    )  # fmt: skip
    title = _TITLES[dimension]
    return pieces.section(title, tables.table(heads, rows, caption=f"{title} whose cost differs most"))


def _name(asked: Asked, mover: Mover) -> Child:
    if not mover.value:
        return pieces.dim("none named")
    if mover.dimension == "session_id":
        return el("a", pieces.short(mover.value), href=asked.to("/session", id=mover.value), title=mover.value)
    return el("a", mover.value, href=asked.here(**{mover.dimension: mover.value}))


PAGE = Page("/day", "", ask, under="/costs", timed=False)
