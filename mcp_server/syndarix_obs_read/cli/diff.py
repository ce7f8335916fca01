"""`syndarix-obs diff`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.diff import RunDiff, words_of
from syndarix_obs_read.answers.diff import diff as compare
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.cli.asking import Asker, ask
from syndarix_obs_read.cli.options import Common, Rows
from syndarix_obs_read.cli.screen import Screen
from syndarix_obs_read.replay.load import tape_named


def diff(
    common: Common,
    rows: Rows,
    before: Annotated[str, typer.Argument(metavar="A", help="Session, trace, replay, or a recording's file.")],
    after: Annotated[str, typer.Argument(metavar="B", help="What to compare it with.")],
) -> None:
    """Show what is different between two runs, step by step: texts, tools, tokens, dollars, seconds."""

    async def question(asker: Asker, backend: Backend) -> RunDiff:
        tapes = [await tape_named(backend, asker.settings, name) for name in (before, after)]
        return compare(backend.name, *tapes, limit=rows.limit or 60)

    ask(common, question, draw_diff)


def draw_diff(screen: Screen, answer: RunDiff) -> None:
    """Two runs."""
    screen.line(f"{answer.before.name} → {answer.after.name}", "bold")
    for line in answer.summary:
        screen.text(line)
    draw_steps(screen, answer)


def draw_steps(screen: Screen, answer: RunDiff) -> None:
    """Steps that differ."""
    for step in answer.steps:
        screen.line()
        number = " → ".join(str(each) for each in (step.before, step.after) if each is not None)
        money = "" if step.cost_usd is None else f"  {f.money(step.cost_usd)}"
        style = {"added": "green", "removed": "red"}.get(step.change, "yellow")
        screen.line(f"{step.change} step {number}: {step.kind} {step.title}{money}  {step.tokens:+,} tokens", style)
        for change in step.changes:
            screen.text(f"  {change.path}: {words_of(change)}")
        if step.more_changes:
            screen.line(f"  {step.more_changes} more places", "dim")
    if answer.more_steps:
        screen.line(f"{answer.more_steps} more steps differ; raise --limit", "dim")
