"""`syndarix-obs step`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.messages import brief, unified
from syndarix_obs_read.answers.walk import Walk
from syndarix_obs_read.answers.walk import walk as step_of
from syndarix_obs_read.cli.asking import ask, settings_of
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.cli.screen import STATUS_STYLES, Screen, headers

_LONGEST = 1_200


def step(
    common: Common,
    run: Annotated[str, typer.Argument(metavar="ID", help="Session, trace or replay, or a unique beginning.")],
    number: Annotated[int | None, typer.Argument(metavar="N", min=1, help="Which step; all in a line without.")] = None,
    annotate: Annotated[str | None, typer.Option(help="Attach this note to the step.")] = None,
    label: Annotated[str | None, typer.Option(help="Class of the note: bug, feedback, …")] = None,
) -> None:
    """Step through a run: what the model saw, could choose, chose and why, what came back, and the cost so far."""
    found = ask(common, lambda asker, backend: step_of(backend, asker.settings, run, number), draw_step)
    if annotate is not None:
        from syndarix_obs_read.replay.notes import annotate_step

        annotate_step(settings_of(common), found, annotate, label)
        if not common.as_json:
            Screen(settings_of(common).zone).line(f"noted at step {found.number}")


def draw_step(screen: Screen, walk: Walk) -> None:
    """One step, or a line for each."""
    if walk.steps:
        screen.line(f"{walk.run}: {f.count(walk.total_steps)} steps", "bold")
        columns = headers(">step", "kind", "name*", "agent", "chose*", "status")
        rows = (
            (
                (str(each.number), each.kind, each.title, each.agent or "", each.selected or "", each.status),
                STATUS_STYLES.get(each.status, ""),
            )
            for each in walk.steps
        )
        screen.table(columns, rows)
        if not screen.piped:
            screen.line(f"→ syndarix-obs step {screen.id(walk.run)} 1", "dim")
        return
    screen.line(f"Step {walk.number} of {walk.total_steps}: {walk.kind} {walk.title}", "bold")
    for name, text in _facts(walk).items():
        if text:
            screen.text(f"{name:<9} {text}", STATUS_STYLES.get(walk.status, "") if name == "status" else "")
    _conversation(screen, walk)
    for note in walk.notes:
        screen.text(f"note      {note.label or ''} {note.note}".rstrip(), "italic")
    if not screen.piped and walk.number < walk.total_steps:
        screen.line(f"→ syndarix-obs step {screen.id(walk.run)} {walk.number + 1}", "dim")


def _facts(walk: Walk) -> dict[str, str | None]:
    others = [option for option in walk.options if option not in (walk.selected or "")]
    return {
        "agent": walk.agent,
        "status": walk.status if walk.error is None else f"{walk.status}: {walk.error}",
        "took": f"{f.duration(walk.seconds * 1000)}, {walk.tokens:,} tokens, {f.money(walk.cost_usd)}"
        if walk.cost_usd is not None else f.duration(walk.seconds * 1000),
        "so far": f"{f.duration(walk.seconds_so_far * 1000)}, {walk.tokens_so_far:,} tokens, "
                  f"{f.money(walk.cost_so_far_usd)}",
        "chose": walk.selected and f"{walk.selected}  over  {', '.join(others) or f.NOTHING}",
        "why": walk.reasoning or (walk.reason_source and f"no reason was given (source: {walk.reason_source})"),
    }  # fmt: skip


def _conversation(screen: Screen, walk: Walk) -> None:
    if walk.kind == "tool":
        screen.text(f"arguments {brief(str(walk.context), _LONGEST)}")
        screen.text(f"result    {brief(str(walk.came_back), _LONGEST)}")
        return
    messages = unified(walk.context)
    earlier = len(messages) - walk.new_messages
    if walk.system:
        screen.text(f"system    {brief(str(walk.system), _LONGEST)}", "dim")
    if earlier > 0:
        screen.line(f"          {earlier} earlier messages", "dim")
    for message in messages[max(0, earlier) :]:
        screen.text(f"{message.role or '–':<9} {brief(message.text, _LONGEST)}")
    for message in unified(walk.came_back):
        screen.text(f"answer    {brief(message.text, _LONGEST)}", "green")
