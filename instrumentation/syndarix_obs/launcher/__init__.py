"""Recording without a line of code: `syndarix-obs run COMMAND` starts the command with `site/` on its path.

Python imports `sitecustomize` at its start; the one in `site/` waits until the program imports a library that can be
watched, and only then makes a platform. Children of the program do the same, whichever way they are started.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

SITE: Final = Path(__file__).parent / "site"
SERVERS: Final = frozenset({"uvicorn", "gunicorn", "hypercorn", "celery", "flask", "fastapi", "daphne"})
"""Programs that run other people's code on request: a session is one request or task there, not the whole run."""
MARK: Final = "SYNDARIX_LAUNCHED"
"""Set in the environment of a launched program: `run` for a session per run, `request` for one per request."""


def prepared(command: Sequence[str], environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Command and environment of a program that records itself.

    Args:
        command: the program and its arguments; a file that ends with `.py` is run by this Python.
        environment: what it would get otherwise.
    """
    found = [sys.executable, *command] if command[0].endswith(".py") else list(command)
    paths = [str(SITE), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    name = program_name(found)
    added = {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        MARK: "request" if name in SERVERS else "run",
        "OTEL_SERVICE_NAME": environment.get("OTEL_SERVICE_NAME") or service_name(found),
    }
    return found, {**environment, **added}


def program_name(command: Sequence[str]) -> str:
    """What runs: the console script, the module behind `-m`, or the file, without folder and `.py`."""
    first = Path(command[0]).name
    if not first.startswith("python") and first != Path(sys.executable).name:
        return first.removesuffix(".py")
    rest = iter(command[1:])
    for word in rest:
        if word == "-m":
            return next(rest, "python").partition(".")[0]
        if word in ("-W", "-X"):
            next(rest, None)
        elif word == "-c":
            return "python"
        elif not word.startswith("-"):
            return Path(word).stem
    return "python"


def service_name(command: Sequence[str]) -> str:
    """Name of the service: of a server the application that it serves, such as `shop` of `uvicorn shop:app`."""
    name = program_name(command)
    if name in SERVERS:
        for word in command[1:]:
            if ":" in word and not word.startswith("-") and "/" not in word:
                return word.partition(":")[0]
    return name
