"""`syndarix-obs redact`: shows what redaction makes of a text, to try it before trusting it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.errors import UsageError


def redact(
    common: Common,
    file: Annotated[str, typer.Argument(metavar="FILE", help="File with text or JSON; - reads standard input.")],
    mode: Annotated[str, typer.Option(help="all, or secrets only.")] = "all",
    pattern: Annotated[list[str] | None, typer.Option(help="A pattern of your own: NAME=REGULAR EXPRESSION.")] = None,
    presidio: Annotated[str | None, typer.Option(help="Names and places, too: an installed spaCy model. Slow.")] = None,
) -> None:
    """Print a text as it would be recorded, and say what was masked."""
    from syndarix_obs.redaction.step import Redactor

    if mode not in ("all", "secrets"):
        raise UsageError(f"no mode {mode!r}: all or secrets")
    counts: Counter[str] = Counter()
    own = {name: regex or name for name, _, regex in (each.partition("=") for each in pattern or ())}
    custom = None if presidio is None else _presidio(presidio)
    redactor = Redactor(mode, patterns=own, custom=custom, on_mask=lambda name, count: counts.update({name: count}))
    text = _read(file)
    masked = _masked(redactor, text)
    if common.as_json:
        print(json.dumps({"text": masked, "masked": counts}, ensure_ascii=False, indent=2))
        return
    print(masked, end="" if masked.endswith("\n") else "\n")
    said = ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "nothing"
    print(f"masked: {said}", file=sys.stderr)


def _presidio(model: str) -> Callable[[str], str]:
    from syndarix_obs.redaction.presidio import presidio

    return presidio(model)


def _masked(redactor: object, text: str) -> str:
    try:
        document = json.loads(text)
    except ValueError:
        return str(redactor.text(text))  # type: ignore[attr-defined]
    return str(redactor.json(document))  # type: ignore[attr-defined]


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text("utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
