"""`syndarix-obs costs`: the command and its drawings."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, cast

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.amounts import Cost
from syndarix_obs_read.answers import costs as costs_answer
from syndarix_obs_read.answers.costs import Budget, CostRecordList, CostSummary
from syndarix_obs_read.answers.other_models import other_models
from syndarix_obs_read.backends.rows import DIMENSIONS, Dimension
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import FILTERS, Common, Rows, When, Who
from syndarix_obs_read.cli.screen import Screen, headers
from syndarix_obs_read.errors import FilterError


def costs(
    common: Common,
    when: When,
    rows: Rows,
    who: Who,
    by: Annotated[
        str | None,
        typer.Option(help=f"Group by any combination, with commas: {', '.join(DIMENSIONS)}. Default: agent."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="One model.", rich_help_panel=FILTERS)] = None,
    what_if: Annotated[
        list[str] | None,
        typer.Option(help="What the same tokens would cost with another model: model=gpt-5-mini; once for each."),
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="The lines of the ledger instead of sums.")] = False,
) -> None:
    """Sum the cost ledger, exact and estimated apart; calls without a price are named. Default time: 30d."""
    since = When(when.since or "30d", when.until)
    if lines:
        ask(
            common,
            lambda asker, backend: costs_answer.list_cost_records(
                backend, asker.filter(who, model=model), asker.period(since), asker.limit(rows), zone=asker.zone
            ),
            draw_cost_records,
        )
        return
    groups = dimensions(by or "agent")
    ask(
        common,
        lambda asker, backend: costs_answer.summarise_costs(
            backend, asker.filter(who, model=model), asker.period(since), groups, limit=asker.limit(rows),
            zone=asker.zone, daily_budget=asker.settings.daily_budget_usd,
            monthly_budget=asker.settings.monthly_budget_usd,
            what_if=other_models(what_if, asker.settings.prices_file),
        ),
        draw_costs,
    )  # fmt: skip


def dimensions(by: str) -> tuple[Dimension, ...]:
    """The dimensions of `--by`; FilterError for one that there is not."""
    found = tuple(name.strip().replace("-", "_") for name in by.split(",") if name.strip())
    for name in found:
        if name not in DIMENSIONS:
            raise FilterError(
                f"costs cannot be grouped by {name!r}; possible: {', '.join(DIMENSIONS)}. Example: --by agent,model"
            )
    return cast(tuple[Dimension, ...], found)


def draw_costs(screen: Screen, answer: CostSummary) -> None:
    """Groups, their total, what has no price, today and this month."""
    screen.heading("Costs" + (f" by {', '.join(answer.by)}" if answer.by else ""), answer)
    estimated = bool(answer.cost.estimated_calls)
    unpriced = bool(answer.cost.unpriced_calls)
    heads = [*(f"{name}*" for name in answer.by or ("",)), ">calls", ">tokens", ">exact"]
    heads += [">estimated"] if estimated else []
    heads += [">unpriced calls"] if unpriced else []
    heads += [f">with {model}" for model in answer.what_if]
    heads += [">share"] if answer.by else []

    def row(
        names: list[str], tokens: int, cost: Cost, share: float | None, others: Mapping[str, Decimal | None]
    ) -> list[str]:  # fmt: skip
        cells = [*names, f.count(cost.calls), f.count(tokens), _exact(cost)]
        cells += [f.money(cost.estimated_usd) if cost.estimated_calls else f.NOTHING] if estimated else []
        cells += [f.count(cost.unpriced_calls)] if unpriced else []
        cells += [f.money(others.get(model)) for model in answer.what_if]
        return [*cells, f.percent(share)] if answer.by else cells

    rows = [
        (row([value or "(none)" for value in each.key.values()], each.tokens.total, each.cost,
             each.share, each.what_if), "")
        for each in answer.groups
    ]
    names = ["total", *[""] * (len(answer.by) - 1)]
    if answer.cost.calls:
        rows.append((row(names, answer.tokens.total, answer.cost, None, answer.what_if), "bold"))
    screen.table(headers(*heads), rows)
    _draw_notes(screen, answer)


def _exact(cost: Cost) -> str:
    """The exact sum; of calls that are all estimated or unpriced there is none."""
    exact_calls = cost.calls - cost.estimated_calls - cost.unpriced_calls
    return f.money(cost.exact_usd) if exact_calls else f.NOTHING


def _draw_notes(screen: Screen, answer: CostSummary) -> None:
    if screen.piped:
        return
    if answer.cost.unpriced_models:
        screen.text(f"no known price: {', '.join(answer.cost.unpriced_models)}; not in any sum", "yellow")
    screen.text(f"today {_spent(answer.today)} · month to date {_spent(answer.month_to_date)}", "dim")


def _spent(budget: Budget) -> str:
    spent = f.cost_words(budget.spent)
    return spent if budget.budget_usd is None else f"{spent} of {f.money(budget.budget_usd)} ({f.percent(budget.used)})"


def draw_cost_records(screen: Screen, answer: CostRecordList) -> None:
    """Lines of the ledger, with the totals of their day and month."""
    screen.heading("Ledger", answer)
    amounts = (">in", ">cache", ">out", ">reason", ">cost", ">day", ">month")
    project = ["project"] if screen.piped else []  # a terminal is too narrow
    columns = headers("time", "agent*", *project, "model*", *amounts)
    rows = (
        (
            (
                f.moment(each.timestamp, screen.zone), each.agent_id or f.NOTHING,
                *([each.project_id or f.NOTHING] if project else []), each.model or "unknown",
                f.count(each.tokens_input),
                f.count(each.tokens_cache_read + each.tokens_cache_write), f.count(each.tokens_output),
                f.count(each.tokens_reasoning),
                ("~" if each.estimated else "") + f.money(each.total_cost_usd) if each.priced else "unpriced",
                f.money(each.daily_total_usd), f.money(each.monthly_total_usd),
            ),
            "",
        )
        for each in answer.records
    )  # fmt: skip
    screen.table(columns, rows)
