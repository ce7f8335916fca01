"""`syndarix-obs tools`: the command and its drawing."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.tools import BY, Cell, ToolUsage, tool_usage
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, When, Who
from syndarix_obs_read.cli.screen import Screen, headers


def tools(
    common: Common,
    when: When,
    who: Who,
    by: Annotated[str, typer.Option(help=f"What the columns are: {', '.join(BY)}.")] = "agent",
) -> None:
    """Show calls, failures and dollars of each tool by agent, version, time or hour of the day."""
    ask(
        common,
        lambda asker, backend: tool_usage(backend, asker.filter(who), asker.period(when), by, asker.zone),
        draw_tools,
    )


def draw_tools(screen: Screen, answer: ToolUsage) -> None:
    """A row for each tool and column that has calls, the tool with the most failures first."""
    screen.heading(f"{answer.calls:,} calls of tools, {answer.failed:,} failed, {f.money(answer.cost_usd)}", answer)
    place = {tool: at for at, tool in enumerate(answer.tools)}
    order = {column.name: at for at, column in enumerate(answer.columns)}
    cells = sorted(answer.cells, key=lambda cell: (place[cell.tool], order[cell.column]))
    screen.table(
        headers("tool*", answer.by, ">calls", ">failed", ">share", ">cost"), ((_row(c), _style(c)) for c in cells)
    )


def _row(cell: Cell) -> tuple[str, ...]:
    cost = f.money(cell.cost_usd) if cell.cost_usd is not None else f.NOTHING
    share = f.percent(float(Decimal(cell.failed) / cell.calls)) if cell.failed else ""
    return cell.tool, cell.column, f.count(cell.calls), f.count(cell.failed), share, cost


def _style(cell: Cell) -> str:
    return "red" if cell.failed * 2 > cell.calls else ""
