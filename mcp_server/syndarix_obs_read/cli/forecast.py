"""`syndarix-obs forecast`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import forecast as forecast_answer
from syndarix_obs_read.answers.forecast import ForecastList, MonthForecast
from syndarix_obs_read.backends.rows import DIMENSIONS
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.costs import dimensions
from syndarix_obs_read.cli.options import FILTERS, Common, Rows, Who
from syndarix_obs_read.cli.screen import Screen, headers


def forecast(
    common: Common,
    rows: Rows,
    who: Who,
    by: Annotated[
        str | None,
        typer.Option(help=f"Group by any combination, with commas: {', '.join(DIMENSIONS[:-1])}. Default: project."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="One model.", rich_help_panel=FILTERS)] = None,
) -> None:
    """Say what the current month will cost, with the interval that 80% of months end in."""
    ask(
        common,
        lambda asker, backend: forecast_answer.forecast_costs(
            backend, asker.filter(who, model=model), dimensions(by or "project"), limit=asker.limit(rows),
            zone=asker.zone, monthly_budget=asker.settings.monthly_budget_usd,
        ),
        draw_forecast,
    )  # fmt: skip


def draw_forecast(screen: Screen, answer: ForecastList) -> None:
    """Groups, and all together."""
    screen.heading(f"Forecast of {answer.month}", answer)
    columns = headers(
        *(f"{name}*" for name in answer.by or ("",)), ">so far", ">expected", ">80% from", ">to", ">run rate"
    )
    shown = [([value or "(none)" for value in each.key.values()], each, "") for each in answer.groups]
    shown.append((["all", *[""] * (len(answer.by) - 1)], answer.whole, "bold"))
    screen.table(columns, (((*names, *_cells(each)), style) for names, each, style in shown))
    if screen.piped:
        return
    if answer.whole.ready is not None:
        screen.text(not_yet(answer.whole), "yellow")
    if answer.budget_usd is not None:
        screen.line(f"budget of the month {f.money(answer.budget_usd)}", "dim")


def not_yet(found: MonthForecast) -> str:
    """Why there is no forecast, and when there will be."""
    return f"{found.known_days} whole days are known; a forecast needs two weeks, so from {found.ready} on"


def _cells(found: MonthForecast) -> list[str]:
    amounts = (found.so_far_usd, found.expected_usd, found.low_usd, found.high_usd, found.run_rate_usd)
    return [f.money(amount) for amount in amounts]
