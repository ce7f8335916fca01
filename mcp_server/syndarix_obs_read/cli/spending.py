"""`syndarix-obs spending`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import spending as spending_answer
from syndarix_obs_read.answers.spending import BY, SpendingReport, SuccessGroup
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import FILTERS, Common, Rows, When, Who
from syndarix_obs_read.cli.screen import Screen, headers


def spending(
    common: Common,
    when: When,
    rows: Rows,
    who: Who,
    by: Annotated[str, typer.Option(help=f"Group by any combination, with commas: {', '.join(BY)}.")] = "agent",
    outcome: Annotated[
        str | None, typer.Option(help="Score that says success, such as resolved; else how sessions ended.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="One model.", rich_help_panel=FILTERS)] = None,
) -> None:
    """Say what a success cost, what was spent in vain, and what context and caching cost. Default time: 30d."""
    wanted = tuple(word.strip().replace("-", "_") for word in by.split(",") if word.strip())
    since = When(when.since or "30d", when.until)
    ask(
        common,
        lambda asker, backend: spending_answer.get_spending(
            backend, asker.filter(who, model=model), asker.period(since), wanted, outcome=outcome,
            limit=asker.limit(rows), zone=asker.zone, prices_file=asker.settings.prices_file,
        ),
        draw_spending,
    )  # fmt: skip


def draw_spending(screen: Screen, answer: SpendingReport) -> None:
    """Groups and the whole, then what the context cost."""
    screen.heading("Spending", answer)
    columns = headers(
        *(f"{name}*" for name in answer.by or ("",)), ">sessions", ">ok", ">cost", ">per success", "95%", ">failed",
        ">loops", ">not ended",
    )  # fmt: skip
    shown = [([value or "(none)" for value in each.key.values()], each, "") for each in answer.groups]
    shown.append((["all", *[""] * (len(answer.by) - 1)], answer.whole, "bold"))
    screen.table(columns, (((*names, *_cells(each)), style) for names, each, style in shown))
    if screen.piped:
        return
    screen.line()
    for words in sentences(answer):
        screen.text(words)
    if answer.outcome is None:
        screen.success_legend(answer.failed_outcomes)


def sentences(answer: SpendingReport) -> tuple[str, ...]:
    """What the context cost, and what caching saved, in words."""
    context, cache = answer.context, answer.caching
    dearest = next(iter(context.by_tool), None)
    told = f", most of it for {dearest}" if dearest else ""
    return (
        f"tool results sent again: {f.money(context.carried_usd)} for {context.carried_tokens:,} tokens of results of "
        f"{context.result_tokens:,} ({f.percent(context.share)} of the calls looked at){told}",
        f"prompt caches saved {f.money(cache.saved_usd)}, and could save up to {f.money(cache.could_save_usd)} more: "
        f"{cache.could_read_tokens:,} tokens were sent again within five minutes and paid in full",
    )


def interval(group: SuccessGroup) -> str:
    """The ends of the interval."""
    if group.low_usd is None:
        return f.NOTHING
    return f"{f.money(group.low_usd)} to {f.money(group.high_usd) if group.high_usd is not None else '∞'}"


def _cells(group: SuccessGroup) -> list[str]:
    ended = group.successes + group.failures
    return [
        f.count(group.sessions), f.percent(group.successes / ended if ended else None), f.money(group.cost.total_usd),
        f.money(group.per_success_usd), interval(group), f.money(group.failed_usd), f.money(group.looping_usd),
        f.money(group.unknown_usd),
    ]  # fmt: skip
