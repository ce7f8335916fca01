"""What will the month cost? The days so far and the rest as it usually goes, with the interval that 80% end in."""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.forecast import ForecastList, MonthForecast, forecast_costs
from syndarix_obs_read.backends.rows import DIMENSIONS
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, el, joined
from syndarix_obs_read.web.pages.costs import choice, dimensions
from syndarix_obs_read.web.parts import common, filters, tables
from syndarix_obs_read.web.view import Page, View

_WORDS = ("agent", "project", "user", "task_type", "model")
_POSSIBLE = tuple(name for name in DIMENSIONS if name != "day")
_COLUMNS = (
    tables.Column("so far", number=True, about="Of this month, today included"),
    tables.Column("expected", number=True, about="The month's total"),
    tables.Column("80% from", number=True, about="Lower end of the interval that 80% of months end in"),
    tables.Column("to", number=True),
    tables.Column("run rate", number=True, about="Days so far ÷ days gone × days of the month, to compare"),
    tables.Column("own months", number=True, about="Months of own history behind the interval"),
)


async def ask(asked: Asked) -> View:
    """The forecasts."""
    by = dimensions(asked.word("by") or "project")
    settings = asked.settings
    found = await attempt(
        forecast_costs(
            asked.backend, asked.filter(*_WORDS), by, limit=asked.limit(), zone=asked.zone,
            monthly_budget=settings.monthly_budget_usd,
        )
    )  # fmt: skip
    return View("Forecast", {"forecast": found}, lambda: joined((
        filters.form(asked, *_WORDS), choice(asked, by, _POSSIBLE),
        common.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def _draw(asked: Asked, answer: ForecastList) -> Child:
    if not answer.whole.known_days:
        return common.empty(answer, "costs before today")
    heads = (*(tables.Column(name.replace("_", " "), grows=at == 0) for at, name in enumerate(answer.by)), *_COLUMNS)
    rows = [([*(common.name(value) for value in each.key.values()), *_cells(each)], "") for each in answer.groups]
    return (
        _tiles(answer),
        tables.table(heads, rows, caption=f"Forecast of {answer.month} by {', '.join(answer.by)}"),
        tables.larger(asked, answer, len(answer.groups)),
        common.hints(answer),
    )


def _tiles(answer: ForecastList) -> Child:
    whole = answer.whole
    if whole.ready is not None:
        note = f"{whole.known_days} whole days are known; a forecast needs two weeks, so from {whole.ready} on"
        return el("div", common.tile("this month so far", f.money(whole.so_far_usd), note), cls="tiles")
    over = answer.budget_usd is not None and (whole.expected_usd or 0) > answer.budget_usd
    budget = f"budget {f.money(answer.budget_usd)}" if answer.budget_usd is not None else None
    return el(
        "div",
        common.tile("this month so far", f.money(whole.so_far_usd), f"whole days up to {answer.through}"),
        common.tile("expected in all", f.money(whole.expected_usd), budget, tone="is-warning" if over else ""),
        common.tile("80% of months end", f"{f.money(whole.low_usd)} to {f.money(whole.high_usd)}"),
        cls="tiles",
    )


def _cells(found: MonthForecast) -> list[Child]:
    amounts = (found.so_far_usd, found.expected_usd, found.low_usd, found.high_usd, found.run_rate_usd)
    return [*(f.money(amount) for amount in amounts), f"{found.own_months:.1f}"]


PAGE = Page("/forecast", "Forecast", ask)
