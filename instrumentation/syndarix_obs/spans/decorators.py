"""Decorator forms: a function, coroutine, generator or async generator that runs inside an operation."""

from __future__ import annotations

import contextvars
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any, TypeVar, cast

from syndarix_obs import vocabulary as v
from syndarix_obs.spans import intercept
from syndarix_obs.spans.operations import Operation, ToolCall

F = TypeVar("F", bound=Callable[..., Any])


def wrap(function: F, opened: Callable[[tuple[Any, ...], dict[str, Any]], Operation], *, keep_result: bool) -> F:
    """Run every call of `function` inside a fresh operation.

    Args:
        function: sync or async function or generator function.
        opened: makes the operation from the call's arguments.
        keep_result: whether the return value goes to the operation's `result`.
    """
    if inspect.isasyncgenfunction(function):
        return cast(F, _async_generator(function, opened))
    if inspect.isgeneratorfunction(function):
        return cast(F, _generator(function, opened))
    if inspect.iscoroutinefunction(function):
        return cast(F, _coroutine(function, opened, keep_result))

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        operation = opened(args, kwargs)
        if intercept.active is not None and isinstance(operation, ToolCall):
            return intercept.active.call(*_asked(operation), lambda: function(*args, **kwargs))
        with operation:
            result = function(*args, **kwargs)
            _keep(operation, result, keep_result)
            return result

    return cast(F, call)


def call_as_tool(opened: Callable[[], ToolCall], function: Callable[..., Any], arguments: Any) -> Any:
    """Run `function(**arguments)` inside a tool call; a coroutine function gives a coroutine."""
    if inspect.iscoroutinefunction(function):
        return _coroutine(lambda: function(**arguments), lambda _args, _kwargs: opened(), True)()
    operation = opened()
    if intercept.active is not None:
        return intercept.active.call(*_asked(operation), lambda: function(**arguments))
    with operation:
        result = function(**arguments)
        _keep(operation, result, True)
        return result


def _asked(operation: ToolCall) -> tuple[str, Any]:
    """Name and arguments of a call."""
    return str(operation.attributes[v.GEN_AI_TOOL_NAME]), (operation.payload or {}).get("arguments")


def _keep(operation: Operation, result: Any, wanted: bool) -> None:
    if wanted and result is not None:
        operation.result(result)  # type: ignore[attr-defined]  # only asked for with operations that have it


def _coroutine(function: Any, opened: Any, keep_result: bool) -> Any:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        operation = opened(args, kwargs)
        if intercept.active is not None and isinstance(operation, ToolCall):
            return await intercept.active.call_async(*_asked(operation), lambda: function(*args, **kwargs))
        with operation:
            result = await function(*args, **kwargs)
            _keep(operation, result, keep_result)
            return result

    return call


def _generator(function: Any, opened: Any) -> Any:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with opened(args, kwargs):
            result: Any = yield from function(*args, **kwargs)
            return result

    return call


def _async_generator(function: Any, opened: Any) -> Any:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        with opened(args, kwargs):
            async for item in function(*args, **kwargs):
                yield item

    return call


def bind(function: F) -> F:
    """`function` in a copy of the present context; a fresh copy per call, as one context runs in one thread only."""
    context = contextvars.copy_context()

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return context.copy().run(function, *args, **kwargs)

    return cast(F, call)


def arguments_of(function: Callable[..., Any]) -> Callable[[tuple[Any, ...], dict[str, Any]], dict[str, Any] | None]:
    """A function that names a call's arguments as the signature does, without `self`."""
    signature = inspect.signature(function)

    def bind(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any] | None:
        try:
            bound = dict(signature.bind(*args, **kwargs).arguments)
        except TypeError:  # the call itself is about to fail with the same complaint
            return None
        bound.pop("self", None)
        bound.pop("cls", None)
        return bound

    return bind
