"""`syndarix-obs import`: what coding agents wrote about their sessions, read from disk."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syndarix_obs_read.cli.asking import settings_of
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.serving.imports import Tool, import_transcripts

if TYPE_CHECKING:
    from syndarix_obs.receivers.transcripts.importer import Taken


def _import(
    common: Common,
    tool: Annotated[Tool, typer.Argument(help="Whose transcripts.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders; without any, where the tool keeps them.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on reading while they are written.")] = False,
) -> None:
    """Read the transcripts that a coding agent keeps on disk: calls, tokens, dollars, tools, refusals.

    What was read before is not read again, and each call counts once, also in copies.
    """
    told = _as_json if common.as_json else _as_lines
    try:
        import_transcripts(settings_of(common), tool, paths or [], told, threading.Event() if follow else None)
    except ImportError as error:
        raise ReadError(f"this needs more packages ({error.name}): pip install 'syndarix-obs[server]'") from error


_import.__name__ = "import"  # a word of the language, so it cannot be defined by that name
globals()["import"] = _import


def _as_json(taken: Taken) -> None:
    found: dict[str, Any] = {
        name: getattr(taken, name) for name in ("files", "calls", "grown", "copies", "tools", "refusals")
    }
    found |= {"sessions": sorted(taken.sessions), "unknown": dict(taken.unknown), "unreadable": taken.unreadable}
    print(json.dumps(found), flush=True)


def _as_lines(taken: Taken) -> None:
    sessions = _count(len(taken.sessions), "session")
    tools = f"{_count(taken.tools, 'tool call')}, {_count(taken.refusals, 'refusal')}"
    print(
        f"{_count(taken.files, 'file')} with news: {_count(taken.calls, 'call')} in {sessions}, {tools}", flush=True
    )
    if taken.grown:
        print(f"{_count(taken.grown, 'call')} corrected: their usage was told again", flush=True)
    if taken.unknown:
        print(f"not understood, and left out: {_listed(taken.unknown)}", flush=True)
    for path, reason in taken.unreadable.items():
        print(f"not read: {path} ({reason})", flush=True)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def _listed(found: Counter[str]) -> str:
    return ", ".join(f"{_count(number, 'row')} of kind {kind}" for kind, number in found.most_common(8))
