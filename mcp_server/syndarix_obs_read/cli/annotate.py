"""`syndarix-obs annotate`: says something about a run or a step, or shows what was said."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.annotating import annotate as keep
from syndarix_obs_read.answers.annotate import Annotated as Kept
from syndarix_obs_read.answers.annotate import Annotation, Annotations, said_about
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.cli.screen import Screen, headers


def annotate(
    common: Common,
    run: Annotated[str, typer.Argument(metavar="RUN", help="Session or trace, or a unique beginning of its id.")],
    note: Annotated[str | None, typer.Argument(metavar="NOTE", help="A text; nothing is said without any.")] = None,
    step: Annotated[str | None, typer.Option(help="Span id, when one step is meant.")] = None,
    label: Annotated[str | None, typer.Option(help="Short class of the note: bug, tone, …")] = None,
    thumbs: Annotated[str | None, typer.Option(help="up or down.")] = None,
    outcome: Annotated[str | None, typer.Option(help="What the run led to: resolved, failure, …")] = None,
    author: Annotated[str | None, typer.Option(help="Who says it; this account without it.")] = None,
) -> None:
    """Say something about a run or a step: a note, a label, thumbs, an outcome. Without any, show what was said."""
    if not any((note, label, thumbs, outcome)):
        ask(common, lambda _asker, backend: said_about(backend, run, step), draw_annotations)
        return
    from syndarix_obs_read.privacy.requests import account

    words: dict[str, Any] = {"note": note, "label": label, "thumbs": thumbs, "outcome": outcome}
    given = Annotation(run=run, step=step, author=author or account(), **words)
    ask(common, lambda asker, backend: keep(asker.settings, backend, given), _draw_kept)


def _draw_kept(screen: Screen, answer: Kept) -> None:
    screen.line(f"kept for {answer.run}: {', '.join(answer.kept)}")


def draw_annotations(screen: Screen, answer: Annotations) -> None:
    """Notes and scores, one a row."""
    screen.heading(f"{len(answer.said)} notes and scores of {answer.run}", answer)
    columns = headers("when", "who", "kind", "label", "value", "of", "text*")
    rows = (
        ((f.moment(s.said, screen.zone), s.author or f.NOTHING, s.kind, s.label, s.value, screen.id(s.target), s.text),
         "") for s in answer.said
    )  # fmt: skip
    screen.table(columns, rows)
