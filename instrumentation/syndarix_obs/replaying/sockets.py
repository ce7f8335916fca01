"""Nothing leaves the process: connections of Python's sockets are refused while a session is played again.

A safety net, not the mechanism: clients and tools are answered before they come to a socket. What opens connections
without Python's sockets (a C extension, another process) is not seen.
"""

from __future__ import annotations

import contextlib
import contextvars
import socket
import threading
from collections.abc import Iterator
from typing import Any, Final

from syndarix_obs.errors import LiveForbidden

_METHODS: Final = ("connect", "connect_ex", "sendto")
_allowed: Final = contextvars.ContextVar("syndarix-live-connection", default=False)
_lock: Final = threading.Lock()
_blocks: list[object] = []


class ConnectionRefusedInReplay(LiveForbidden, OSError):
    """A connection that the replay does not allow; also an `OSError`, as the network's other failures are."""


def _guarded(name: str) -> Any:
    original = getattr(socket.socket, name)

    def method(self: socket.socket, *args: Any) -> Any:
        if _allowed.get():
            return original(self, *args)
        raise ConnectionRefusedInReplay(
            f"a connection to {args[-1]!r} was refused: nothing is live in a replay. Give what it does to the replay "
            "as a tool: @obs.tool_call, or --tool module:function=NAME (tools_at in a test), where the NAME llm stands "
            "for what asks a model; or let a tool run with --allow"
        )

    return method


@contextlib.contextmanager
def blocked() -> Iterator[None]:
    """Refuse every connection within the block, in all threads."""
    mark = object()
    with _lock:
        if not _blocks:
            for name in _METHODS:
                setattr(socket.socket, name, _guarded(name))
        _blocks.append(mark)
    try:
        yield
    finally:
        with _lock:
            _blocks.remove(mark)
            if not _blocks:
                for name in _METHODS:
                    delattr(socket.socket, name)


@contextlib.contextmanager
def allowed() -> Iterator[None]:
    """Connections of this thread or task may pass."""
    token = _allowed.set(True)
    try:
        yield
    finally:
        _allowed.reset(token)
