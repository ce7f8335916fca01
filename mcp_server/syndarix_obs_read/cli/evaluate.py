"""`syndarix-obs evaluate`: runs evaluators over sessions, and a judge if one is described."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.cli.asking import Asker, ask
from syndarix_obs_read.cli.options import Common, When, Who
from syndarix_obs_read.cli.screen import Screen, headers
from syndarix_obs_read.evaluators import registry
from syndarix_obs_read.evaluators.run import Evaluated
from syndarix_obs_read.evaluators.run import evaluate as run_evaluators


def evaluate(
    common: Common,
    when: When,
    who: Who,
    only: Annotated[str, typer.Option(help="Evaluators by name, with commas. Default: all that are installed.")] = "",
    sample: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the sessions to look at.")] = 1.0,
    judge: Annotated[Path | None, typer.Option(help="A YAML file that describes a judge; it alone runs then.")] = None,
) -> None:
    """Score ended sessions by evaluators: plain functions, or a model as judge. Each session is scored once."""
    names = tuple(word.strip() for word in only.split(",") if word.strip())

    async def question(asker: Asker, backend: Backend) -> Evaluated:
        where, period = asker.filter(who), asker.period(when)
        if judge is None:
            return await run_evaluators(asker.settings, backend, where, period, registry.load(names), sample=sample)
        from syndarix_obs_read.evaluators.judging import run_judge

        return await run_judge(asker.settings, backend, where, period, judge)

    ask(common, question, draw_evaluated)


def draw_evaluated(screen: Screen, answer: Evaluated) -> None:
    """Scores, one a row."""
    screen.heading("Evaluated", answer)
    screen.line(f"{answer.sessions:,} sessions, {answer.known:,} of them scored before")
    rows = (((each.name, f.count(each.given), f.count(each.good)), "") for each in answer.scores)
    screen.table(headers("score*", ">given", ">yes"), rows)
    for problem in answer.failed:
        screen.line(f"failed: {problem}", "bold red")
