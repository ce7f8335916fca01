"""Around every command: one clear message instead of a traceback, and the exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from syndarix_obs.errors import SyndarixObsError
from syndarix_obs_read.errors import NeedsStack, ReadError, UsageError

ANSWERED: Final = 0
FAILED: Final = 1
WRONG_QUESTION: Final = 2


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code, see the package's text."""
    from syndarix_obs_read.cli.app import root

    _lenient_output()
    command = root()
    try:
        command.main(args=None if arguments is None else list(arguments), prog_name="syndarix-obs")
    except SystemExit as finished:
        return finished.code if isinstance(finished.code, int) else FAILED
    except NeedsStack as error:
        return _say(error, FAILED)
    except UsageError as error:
        return _say(error, WRONG_QUESTION)
    except (ReadError, SyndarixObsError) as error:
        return _say(error, FAILED)
    return ANSWERED


def _say(error: Exception, code: int) -> int:
    print(f"syndarix-obs: {error}", file=sys.stderr)
    return code


def _lenient_output() -> None:
    """What was recorded may hold characters that the terminal's encoding lacks: show a stand-in, never fail."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
