"""`syndarix-obs interactions`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import interactions as interactions_answer
from syndarix_obs_read.answers.interactions import Interaction, Interactions
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, Rows
from syndarix_obs_read.cli.screen import Screen, headers


def interactions(
    common: Common,
    rows: Rows,
    run: Annotated[str, typer.Argument(metavar="RUN", help="Session or trace, or a unique beginning of its id.")],
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print the sequence as Mermaid text.")] = False,
    flow: Annotated[bool, typer.Option("--flow", help="Print the run as a graph of what it did, as Mermaid.")] = False,
) -> None:
    """Show who spoke to whom in one run, in order, with repeats collapsed."""
    draw = _mermaid if mermaid else _flow if flow else draw_interactions
    ask(common, lambda _asker, backend: interactions_answer.interactions(backend, run, limit=rows.limit or 200), draw)


def _mermaid(screen: Screen, answer: Interactions) -> None:
    screen.text(answer.mermaid)


def _flow(screen: Screen, answer: Interactions) -> None:
    screen.text(answer.flow_mermaid)


def draw_interactions(screen: Screen, answer: Interactions) -> None:
    """A line for each arrow."""
    names = {each.id: each.name for each in answer.participants}
    total = sum(each.count for each in answer.edges)
    screen.heading(f"{total:,} interactions, {answer.model_calls:,} model calls, {f.money(answer.cost_usd)}", answer)
    columns = headers(">at", "from", "", "to", ">times", ">calls", ">cost", "what*")
    screen.table(columns, ((_row(each, names), "red" if each.failed else "") for each in answer.messages))


def _row(each: Interaction, names: dict[str, str]) -> tuple[str, ...]:
    what = ": ".join(part for part in (each.title if each.kind != "returned" else "", each.said) if part)
    return (
        f"+{f.duration(each.offset_ms)}", names[each.source], "→", names[each.target],
        f"×{each.count}" if each.count > 1 else "", f.count(each.model_calls) if each.model_calls else "",
        f.money(each.cost_usd) if each.cost_usd is not None else "", what or each.kind,
    )  # fmt: skip
