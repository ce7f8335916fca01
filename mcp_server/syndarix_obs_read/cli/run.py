"""Around every command: one clear message instead of a traceback, and the exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from syndarix_obs.errors import SyndarixObsError
from syndarix_obs_read.errors import NeedsStack, ReadError, UsageError
from syndarix_obs_read.next_steps import worded

ANSWERED: Final = 0
FAILED: Final = 1
WRONG_QUESTION: Final = 2


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code, see the package's text."""
    from syndarix_obs_read.cli.app import root

    _lenient_output()
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    as_json = "--json" in given
    command = root()
    try:
        command.main(args=given, prog_name="syndarix-obs")
    except SystemExit as finished:
        return finished.code if isinstance(finished.code, int) else FAILED
    except NeedsStack as error:
        return _say(error, FAILED, as_json)
    except UsageError as error:
        return _say(error, WRONG_QUESTION, as_json)
    except (ReadError, SyndarixObsError) as error:
        return _say(error, FAILED, as_json)
    return ANSWERED


def _say(error: Exception, code: int, as_json: bool) -> int:
    """Tell a person on standard error; with `--json` a program too, on standard output."""
    print(f"syndarix-obs: {error}", file=sys.stderr)
    if as_json:
        print(json.dumps({"error": _as_data(error)}, indent=2))
    return code


def _as_data(error: Exception) -> dict[str, Any]:
    found: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, ReadError):
        found |= {"message": error.message, "next": worded(error.next, "cli") or None}
    nearest = getattr(error, "nearest", None) or getattr(error, "candidates", None)
    return found | ({"nearest": list(nearest)} if nearest else {})


def _lenient_output() -> None:
    """What was recorded may hold characters that the terminal's encoding lacks: show a stand-in, never fail."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
