"""The help of `syndarix-obs` itself: every command on one screen, group by group.

It is written without Rich, whose import takes longer than everything else that `--help` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from syndarix_obs_read import catalogue

ABOUT: Final = "What LLM agents did, why, what it cost, and whether they are healthy."
START: Final = "New here? `syndarix-obs demo` shows a failed session and explains it."
HELP: Final = "Each command explains itself, with an example: `syndarix-obs explain --help`."
_OPTIONS: Final = (
    ("--version", "Show the version."),
    ("--install-completion", "Let the shell complete commands, ids, agents and models."),
    ("--show-completion", "Print the completion script, to read or change it."),
    ("-h, --help", "Show this text, or the help of a command."),
)
_WIDTH: Final = max(len(each.name) for each in catalogue.QUESTIONS)
_BOLD: Final = "\x1b[1m"
_PLAIN: Final = "\x1b[0m"


def root_help() -> str:
    """Usage, every command with its line, options; headings are bold where the output is a terminal."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "Usage: syndarix-obs COMMAND [OPTIONS]"
    yield ""
    yield ABOUT
    yield START
    yield HELP
    for group in catalogue.GROUPS:
        yield from _section(group, [(each.name, each.about) for each in catalogue.QUESTIONS if each.group == group])
    yield from _section("Options", _OPTIONS)


def _section(title: str, rows: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> Iterator[str]:
    if not rows:
        return
    width = max(_WIDTH, *(len(name) for name, _ in rows))
    yield ""
    yield f"{_BOLD}{title}{_PLAIN}"
    for name, about in rows:
        yield f"  {name:<{width}}  {about}"
