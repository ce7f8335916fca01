"""How commands end when the reader of a pipe goes away or somebody presses Ctrl-C: quietly."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells have it."""


@contextmanager
def quiet_exit() -> Iterator[None]:
    """Turn a broken pipe into success and Ctrl-C into exit code 130, without a message."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes at exit, and would complain about the pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
