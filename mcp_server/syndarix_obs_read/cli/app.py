"""The command line's root: it lists the catalogue, and loads a command when that command is called."""

from __future__ import annotations

from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo

from syndarix_obs_read import catalogue
from syndarix_obs_read.cli.root_help import ABOUT, root_help

_NAMES: Final = {"help_option_names": ["-h", "--help"]}


class Commands(TyperGroup):
    """Commands of the catalogue, each imported when it is called, and not for the list of them."""

    listing = False
    """While the shell lists commands they are lines of text, so that none has to be imported."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Click's signature
        """Names, group by group."""
        groups = catalogue.GROUPS
        return [each.name for each in sorted(catalogue.QUESTIONS, key=lambda each: groups.index(each.group))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Click's signature
        """The command of that name, or None."""
        question = catalogue.find(cmd_name)
        if question is None:
            return None
        return TyperCommand(question.name, help=question.about) if self.listing else load(question)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Click's signature
        """Write the help of the root."""
        formatter.write(root_help())

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Names of commands with their lines, or options of the root."""
        self.listing = True
        return super().shell_complete(ctx, incomplete)


def load(question: catalogue.Question) -> Any:
    """The command of a question, imported."""
    from syndarix_obs_read.cli.options import with_options

    info = CommandInfo(
        name=question.name, callback=with_options(question.command()), cls=TyperCommand,
        epilog=f"Example: syndarix-obs {question.example}",
        context_settings={**_NAMES, "allow_interspersed_args": question.name != "run"},
    )  # fmt: skip
    return get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode="rich")


def root() -> Any:
    """The whole command line, as Click sees it."""
    app = typer.Typer(
        name="syndarix-obs", help=ABOUT, pretty_exceptions_enable=False, cls=Commands,
        context_settings=_NAMES, add_completion=True,
    )  # fmt: skip
    app.callback()(_root)
    return typer.main.get_command(app)


def _version(wanted: bool) -> None:
    if wanted:
        from syndarix_obs import __version__

        print(f"syndarix-obs {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Say which version it is."),
) -> None: ...


_root.__doc__ = ABOUT
