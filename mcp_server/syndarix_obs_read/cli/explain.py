"""`syndarix-obs explain`: the command and its drawing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer
from rich.text import Text

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import explain as explain_answer
from syndarix_obs_read.answers.explain import Explanation, ExplanationStep
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import MOST_STEPS, Common, Rows, TraceId
from syndarix_obs_read.cli.screen import STATUS_STYLES, Screen, clean, headers

_LINES = 8
"""Lines of a stack trace that are shown: the innermost calls and the message."""


def explain(
    common: Common,
    rows: Rows,
    trace_id: TraceId,
    steps: Annotated[bool, typer.Option("--steps", help="Also list every step that led to it.")] = False,
) -> None:
    """Explain why a trace ended as it did: one sentence, then the decisions, results and errors that led there."""
    ask(
        common,
        lambda _asker, backend: explain_answer.explain_trace(backend, trace_id, limit=rows.limit or MOST_STEPS),
        partial(draw_explanation, every_step=steps),
    )


def draw_explanation(screen: Screen, explanation: Explanation, *, every_step: bool) -> None:
    """The sentence, the chain, and every step if wanted."""
    screen.text(explanation.outcome, f"bold {STATUS_STYLES.get(explanation.status, '')}".strip())
    screen.line()
    screen.line("What led there", "bold")
    _draw_steps(screen, explanation.chain)
    _draw_stack(screen, explanation.chain)
    if every_step:
        screen.line()
        screen.line("Every step", "bold")
        _draw_steps(screen, explanation.steps)
    elif not screen.piped:
        screen.line(f"→ --steps lists all {len(explanation.steps)} steps", "dim")


def _draw_stack(screen: Screen, chain: Sequence[ExplanationStep]) -> None:
    """Where the failure arose; the last lines of a stack trace say it."""
    found = next((step.stack_trace for step in reversed(chain) if step.role == "error" and step.stack_trace), None)
    if found is None:
        return
    lines = found.rstrip().splitlines()
    screen.line()
    screen.line("Where it failed", "bold")
    if len(lines) > _LINES:
        screen.line(f"  … {len(lines) - _LINES} lines above, all in `trace --payloads`", "dim")
    screen.text("\n".join(lines[-_LINES:]), "red")


def _draw_steps(screen: Screen, steps: Sequence[ExplanationStep]) -> None:
    if screen.piped:
        columns = headers(">at", "role", "agent", "title", "text")
        screen.table(
            columns, [((f"+{f.duration(s.offset_ms)}", s.role, s.agent or "", s.title, s.text), "") for s in steps]
        )
        return
    for step in steps:
        style = STATUS_STYLES.get(step.status, "") if step.role in {"error", "outcome"} else ""
        head = Text.assemble(
            (f"{'+' + f.duration(step.offset_ms):>9}  ", "dim"), (f"{step.role:<12} ", style or "green"),
            (clean(step.title), style or "bold"), (f"  {clean(step.agent or '')}", "dim"),
        )  # fmt: skip
        screen.console.print(head, no_wrap=True, overflow="ellipsis")
        if step.text and step.text != step.title:
            from rich.padding import Padding

            screen.console.print(Padding(Text(clean(step.text), style=style), (0, 0, 0, 24)))
