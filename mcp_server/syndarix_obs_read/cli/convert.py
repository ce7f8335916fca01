"""`syndarix-obs convert`: one run in the form of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syndarix_obs_read.answers.convert import FILES, Converted
from syndarix_obs_read.answers.convert import convert as convert_run
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.cli.screen import Screen
from syndarix_obs_read.cli.writing import write_file

_FORMS = "; ".join(f"{name}: {each.about}" for name, each in FILES.items())


def convert(
    common: Common,
    run: Annotated[str, typer.Argument(metavar="RUN", help="Session or trace, or a unique beginning of its id.")],
    to: Annotated[str, typer.Option(help=f"{_FORMS}.")] = "perfetto",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File; standard output without one.")] = None,
) -> None:
    """Write one session or trace for Perfetto, speedscope or OTLP, or as Mermaid text. Secrets are masked."""

    def draw(screen: Screen, answer: Converted) -> None:
        if output is None:
            print(answer.text)
            return
        size = write_file(common, output, answer.text.encode(), f"a run as {answer.form}", answer.trace_ids)
        screen.line(f"{answer.spans:,} spans of {len(answer.trace_ids)} traces in {output}, {size:,} bytes")

    ask(common, lambda _asker, backend: convert_run(backend, run, to), draw)
