"""Who answers tools in place of their functions: nobody, but while a recorded session is played again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol


class Interceptor(Protocol):
    """Answers calls of tools."""

    def call(self, tool: str, arguments: Any, run: Callable[[], Any]) -> Any:
        """The result of a tool, from the record or, where it is allowed, from `run`."""
        ...

    async def call_async(self, tool: str, arguments: Any, run: Callable[[], Awaitable[Any]]) -> Any:
        """The same for a coroutine function."""
        ...

    def entered(self, tool: str) -> None:
        """A block `with obs.tool(...)` begins, whose body cannot be left out. Raises unless that tool is allowed."""
        ...


active: Interceptor | None = None
"""The one in force; of the process, since a session may use many threads."""


def install(interceptor: Interceptor | None) -> Interceptor | None:
    """Put an interceptor in force; returns the former one."""
    global active
    former, active = active, interceptor
    return former
