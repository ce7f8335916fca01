"""This machine: Python, packages, the folder, its key, the room that is left."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from syndarix_obs.identity import KEY_FILE
from syndarix_obs_read.backends.rows import Check
from syndarix_obs_read.settings import ReadSettings

_SERVER: Final = ("httpx", "mcp", "rich", "typer", "starlette", "uvicorn", "websockets")
_INSTRUMENT: Final = ("opentelemetry-instrumentation-genai-openai", "opentelemetry-instrumentation-genai-anthropic")


def checks(settings: ReadSettings) -> Iterator[Check]:
    """One line per part."""
    yield _packages("packages", _SERVER, "server", "the MCP server and the web explorer need them")
    yield _packages("instrumentors", _INSTRUMENT, "instrument", "auto_instrument() finds nothing without them")
    yield _home(settings.home)
    yield _key(settings)


def _packages(name: str, wanted: tuple[str, ...], extra: str, why: str) -> Check:
    found, missing = [], []
    for package in wanted:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    there = f"Python {sys.version.split()[0]}, {', '.join(found) or 'none of them'}"
    if not missing:
        return Check(name=name, state="ok", finding=there)
    return Check(
        name=name, state="warning", finding=f"not installed: {', '.join(missing)}; {there}",
        mend=f"pip install 'syndarix-obs[{extra}]'; {why}",
    )  # fmt: skip


def _home(home: Path) -> Check:
    if not home.exists():
        above = next((each for each in home.parents if each.exists()), Path("/"))
        if os.access(above, os.W_OK):
            return Check(
                name="home", state="warning", finding=f"{home} does not exist yet",
                mend="the first agent makes it; or run `syndarix-obs demo`",
            )  # fmt: skip
        return Check(
            name="home", state="failing", finding=f"{home} does not exist and {above} cannot be written to",
            mend="set SYNDARIX_OBS_HOME to a folder that can be written to",
        )  # fmt: skip
    try:
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"\0" * 4096)
    except OSError as error:
        return Check(
            name="home", state="failing", finding=f"{home} cannot be written to: {error.strerror or error}",
            mend="give this user the right to write, free space, or set SYNDARIX_OBS_HOME to another folder",
        )  # fmt: skip
    if os.name == "posix" and home.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        return Check(
            name="home", state="warning", finding=f"{home} is open to every user of this machine",
            mend=f"chmod 700 {home}: prompts and answers lie in it",
        )  # fmt: skip
    return Check(name="home", state="ok", finding=f"{home} can be written to")


def _key(settings: ReadSettings) -> Check:
    path = settings.user_key_file or settings.home / KEY_FILE
    if path.exists():
        if os.access(path, os.R_OK):
            return Check(name="user key", state="ok", finding=f"{path}: users can be asked for by their raw id")
        return Check(
            name="user key", state="failing", finding=f"{path} cannot be read",
            mend="give this user the right to read it, or SYNDARIX_OBS_USER_KEY_FILE another path",
        )  # fmt: skip
    if settings.user_key_file is None:
        return Check(name="user key", state="ok", finding=f"none at {path}: users can be asked for by pseudonym only")
    return Check(
        name="user key", state="failing", finding=f"there is no {path}",
        mend="copy the key of the machine where the agents run, or unset SYNDARIX_OBS_USER_KEY_FILE",
    )  # fmt: skip
