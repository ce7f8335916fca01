"""Tools of the agent, answered from the tape: decorated functions, MCP client calls, functions named by their place."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

from syndarix_obs.errors import ReplayError
from syndarix_obs.integrations.patching import patch
from syndarix_obs.pipeline.messages import answer
from syndarix_obs.records.intake import error_type
from syndarix_obs.replaying.player import Player
from syndarix_obs.replaying.tape import ToolStep
from syndarix_obs.spans import correlation, intercept
from syndarix_obs.spans.decorators import arguments_of

_MODEL: Final = "llm"


class RecordedToolError(Exception):
    """A tool failed when it was recorded; its own class of exception is not to be had here."""


@contextlib.contextmanager
def installed(player: Player, functions: Mapping[str, str]) -> Iterator[None]:
    """Every tool of the process is answered by the player within the block.

    Args:
        player: answers.
        functions: `module:function` → name of the tool, for functions that are not decorated; `llm` stands for a
            function that asks a model by itself and returns its text.

    Raises:
        ReplayError: a named function does not exist.
    """
    answering = _Answering(player)
    with contextlib.ExitStack() as undo:
        undo.callback(intercept.install, intercept.install(answering))
        for place, name in functions.items():
            undo.callback(_replace(place, name, answering))
        with contextlib.suppress(ImportError, KeyError):
            from mcp.client.session import ClientSession

            undo.callback(patch(ClientSession, "call_tool", answering.mcp_call))
        yield


class _Answering:
    """The interceptor of a replay."""

    def __init__(self, player: Player) -> None:
        self._player = player

    def call(self, tool: str, arguments: Any, run: Callable[[], Any]) -> Any:
        """The recorded result, or the real one of a tool that is allowed."""
        step = self._player.tool(correlation.current().agent, tool, arguments)
        if step is not None:
            return _given(step)
        with self._recorded(tool, arguments) as made:
            made.result = run()
        return made.result

    async def call_async(self, tool: str, arguments: Any, run: Callable[[], Awaitable[Any]]) -> Any:
        """The same for a coroutine function."""
        step = self._player.tool(correlation.current().agent, tool, arguments)
        if step is not None:
            return _given(step)
        with self._recorded(tool, arguments) as made:
            made.result = await run()
        return made.result

    def spoken(self) -> str:
        """What a model said that the agent's own code asked."""
        return answer(self._player.spoken(correlation.current().agent).output)

    def entered(self, tool: str) -> None:
        """A block whose body would run."""
        self._player.forbid(tool)

    def mcp_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """`ClientSession.call_tool`: its recorded result as the MCP client would give it."""

        async def call_tool(session: Any, name: str, arguments: Any = None, *args: Any, **kwargs: Any) -> Any:
            found = await self.call_async(name, arguments, lambda: original(session, name, arguments, *args, **kwargs))
            return _mcp_result(found)

        return call_tool

    @contextlib.contextmanager
    def _recorded(self, tool: str, arguments: Any) -> Iterator[ToolStep]:
        made = ToolStep(tool=tool, arguments=arguments, agent=correlation.current().agent, start_ns=time.time_ns())
        try:
            yield made
        except Exception as error:
            made.status, made.error_type, made.error_message = "error", error_type(error), str(error)
            raise
        finally:
            made.end_ns = time.time_ns()
            self._player.add_live(made)


def _given(step: ToolStep) -> Any:
    """What a recorded tool returned, or the exception that it raised."""
    if step.status == "error":
        raise _exception(step)
    return step.result


def _exception(step: ToolStep) -> Exception:
    """An exception of the recorded class, where that is loaded and takes a message alone."""
    name = step.error_type or ""
    module, _, cls = name.rpartition(".")
    found = getattr(sys.modules.get(module or "builtins"), cls, None)
    if isinstance(found, type) and issubclass(found, Exception):
        with contextlib.suppress(Exception):
            return found(step.error_message or "")
    return RecordedToolError(f"{name}: {step.error_message}" if name else step.error_message or "failed")


def _mcp_result(found: Any) -> Any:
    from mcp.types import CallToolResult, TextContent

    if isinstance(found, CallToolResult):
        return found
    if isinstance(found, Mapping) and "content" in found:
        return CallToolResult.model_validate(dict(found))
    return CallToolResult(content=[TextContent(type="text", text=str(found))])


def _replace(place: str, name: str, answering: _Answering) -> Callable[[], None]:
    """Put a function that asks the tape in the place of one; returns what puts it back."""
    module_name, _, path = place.partition(":")
    try:
        owner: Any = importlib.import_module(module_name)
        *parents, last = path.split(".")
        for parent in parents:
            owner = getattr(owner, parent)
        function = getattr(owner, last)
    except (ImportError, AttributeError, ValueError) as error:
        raise ReplayError(
            f"there is no function {place!r} to answer for ({error}); write it as module:function"
        ) from error
    setattr(owner, last, _asking(function, name, answering))
    return lambda: setattr(owner, last, function)


def _asking(function: Callable[..., Any], name: str, answering: _Answering) -> Callable[..., Any]:
    arguments = arguments_of(function)
    if name == _MODEL:
        return functools.wraps(function)(lambda *_args, **_kwargs: answering.spoken())
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            return await answering.call_async(name, arguments(args, kwargs), lambda: function(*args, **kwargs))

        return call_async

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return answering.call(name, arguments(args, kwargs), lambda: function(*args, **kwargs))

    return call
