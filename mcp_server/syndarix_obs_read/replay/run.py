"""Runs the user's own function along a tape, and says how it went."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syndarix_obs.errors import Divergence, ReplayError
from syndarix_obs.replaying.player import Player
from syndarix_obs.replaying.session import replaying
from syndarix_obs.replaying.tape import Tape
from syndarix_obs_read.errors import UsageError


@dataclass(slots=True)
class Ran:
    """One run along a tape. `error` is what ended it, None when it went to its end."""

    tape: Tape
    run: Tape
    error: Exception | None = None
    divergences: tuple[Divergence, ...] = ()
    notes: tuple[str, ...] = ()
    live: frozenset[int] = frozenset()
    seconds: float = 0.0
    output: Any = None
    consumed: int = field(default=0)


def function_at(place: str) -> Callable[..., Any]:
    """The function `module:function`, looked for from the current folder on.

    Raises:
        UsageError: there is none; the message says what was looked for and what there is.
    """
    module_name, _, path = place.partition(":")
    if not module_name or not path:
        raise UsageError(f"--with {place!r} is not module:function; for example --with my_agent.main:answer")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise UsageError(
            f"--with {place!r}: the module {module_name!r} cannot be imported ({error}); looked in {here} and in the "
            "packages that are installed"
        ) from error
    for name in path.split("."):
        if not hasattr(found, name):
            functions = sorted(n for n, value in vars(found).items() if inspect.isfunction(value) and n[:1] != "_")
            raise UsageError(
                f"--with {place!r}: the module {module_name!r} has no {path!r}; its functions are: "
                f"{', '.join(functions[:12]) or 'none'}"
            )
        found = getattr(found, name)
    if not callable(found):
        raise UsageError(f"--with {place!r} is a {type(found).__name__}, not a function")
    return found  # type: ignore[no-any-return]  # it was found to be callable


def run(tape: Tape, function: Callable[..., Any], *arguments: Any, **options: Any) -> Ran:
    """Run a function along a tape. Never raises what the run itself came to: that is in `error`.

    Args:
        tape: the recording.
        function: the agent's, sync or async.
        arguments: what it is called with.
        options: of `replaying`.
    """
    player: Player | None = None
    output: Any = None
    error: Exception | None = None
    began = time.perf_counter()
    try:
        with replaying(tape, **options) as player:
            output = _call(function, arguments)
            player.ended(output)
    except ReplayError as found:
        error = found
    except Exception as found:  # noqa: BLE001 - the agent's own; the report says what it was
        error = found
    if player is None:
        raise error if error is not None else ReplayError("the replay did not begin")
    made = player.run
    made.status = "error" if error is not None else "ok"
    return Ran(
        tape, made, error, tuple(player.divergences), tuple(player.notes), frozenset(player.live_steps),
        time.perf_counter() - began, output, len(made.steps),
    )  # fmt: skip


def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    result = function(*arguments)
    if inspect.iscoroutine(result):
        return asyncio.run(result)
    return result


def value_of(text: str) -> Any:
    """The value in `--set name=value`: `@file` is the file's text, JSON is what it says, anything else a text.

    Raises:
        UsageError: the file cannot be read.
    """
    import json

    if text.startswith("@"):
        try:
            return Path(text[1:]).read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot read {text[1:]}: {error.strerror}") from error
    try:
        return json.loads(text)
    except ValueError:
        return text


def changes_of(pairs: list[str]) -> Mapping[str, Any]:
    """The changes of several `--set name=value`.

    Raises:
        UsageError: one has no `=`.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {pair!r} is not name=value; for example --set model=gpt-4.1-mini")
        found[name.strip()] = value_of(value)
    return found
