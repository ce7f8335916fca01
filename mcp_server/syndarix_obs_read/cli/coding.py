"""`syndarix-obs coding`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import coding as coding_answer
from syndarix_obs_read.answers.coding import CODING_DIMENSIONS, CodingDimension, CodingSummary
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import FILTERS, Common, Rows, When, Who
from syndarix_obs_read.cli.screen import Screen, headers
from syndarix_obs_read.errors import FilterError


def coding(
    common: Common,
    when: When,
    rows: Rows,
    who: Who,
    by: Annotated[
        str, typer.Option(help=f"Group by any combination, with commas: {', '.join(CODING_DIMENSIONS)}.")
    ] = "repository",
    model: Annotated[str | None, typer.Option(help="One model.", rich_help_panel=FILTERS)] = None,
) -> None:
    """Say what coding agents cost, what filled their context, and which tools were refused. Default time: 30d."""
    groups = dimensions(by)
    ask(
        common,
        lambda asker, backend: coding_answer.summarise_coding(
            backend, asker.filter(who, model=model), asker.period(When(when.since or "30d", when.until)), groups,
            limit=asker.limit(rows),
        ),
        draw_coding,
    )  # fmt: skip


def dimensions(by: str) -> tuple[CodingDimension, ...]:
    """The dimensions of `--by`; FilterError for one that there is not."""
    found = tuple(name.strip() for name in by.split(",") if name.strip())
    for name in found:
        if name not in CODING_DIMENSIONS:
            raise FilterError(
                f"coding agents cannot be grouped by {name!r}; possible: {', '.join(CODING_DIMENSIONS)}. "
                "Example: --by repository,branch"
            )
    return cast(tuple[CodingDimension, ...], found)


def draw_coding(screen: Screen, answer: CodingSummary) -> None:
    """Three tables: costs, context, refusals."""
    screen.heading(f"Coding agents by {', '.join(answer.by)}", answer)
    heads = headers(*(f"{name}*" for name in answer.by), ">sessions", ">calls", ">input", ">cached", ">output",
                    ">largest context", ">cost")  # fmt: skip
    screen.table(heads, [
        (
            [*(value or "(none)" for value in each.key.values()), f.count(each.sessions), f.count(each.cost.calls),
             f.count(each.input_tokens), f.percent(each.cache_read_share), f.count(each.output_tokens),
             f.count(each.largest_context), f.cost_words(each.cost)], "",
        )
        for each in answer.groups
    ])  # fmt: skip
    screen.legend(each.cost for each in answer.groups)
    if answer.context:
        screen.line()
        screen.line(f"What filled the context (compactions: {f.count(answer.compactions)})", "bold")
        screen.table(headers("source*", ">tokens", ">times", ">share"), [
            ([each.source, f.count(each.tokens), f.count(each.times), f.percent(each.share)], "")
            for each in answer.context
        ])  # fmt: skip
    if answer.refused:
        screen.line()
        screen.line("Refused", "bold")
        screen.table(headers("tool", ">times", ">sessions", "last reason*"), [
            ([each.tool, f.count(each.times), f.count(each.sessions), (*each.reasons, f.NOTHING)[0]], "")
            for each in answer.refused
        ])  # fmt: skip
