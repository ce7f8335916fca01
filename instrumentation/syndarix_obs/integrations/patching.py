"""Replace a method of somebody else's class, and take the replacement back cleanly.

One replacement per method serves any number of watchers (several platforms in one process), in the order they came.
When another library has wrapped the method after us, taking ours out would take theirs out too: then it stays and only
passes calls on.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Makes a replacement out of what it replaces."""

_lock = threading.Lock()
_patches: dict[tuple[type, str], _Patch] = {}


class _Patch:
    """The replacement of one method."""

    def __init__(self, owner: type, name: str) -> None:
        self.owner = owner
        self.name = name
        self.original = owner.__dict__[name]
        self.wraps: list[Wrap] = []
        self.chain: Callable[..., Any] = self.original

        @functools.wraps(self.original)
        def installed(*args: Any, **kwargs: Any) -> Any:
            return self.chain(*args, **kwargs)

        self.installed = installed
        setattr(owner, name, installed)

    def rebuild(self) -> None:
        """Compose the watchers anew."""
        chain = self.original
        for wrap in self.wraps:
            chain = wrap(chain)
        self.chain = chain

    def removable(self) -> bool:
        """Whether nobody has wrapped the method after us."""
        return self.owner.__dict__.get(self.name) is self.installed


def patch(owner: type, name: str, wrap: Wrap) -> Callable[[], None]:
    """Replace `owner.name` by `wrap(owner.name)`; returns a function that undoes it.

    Raises:
        KeyError: the class has no such method of its own.
    """
    with _lock:
        key = (owner, name)
        found = _patches.get(key)
        if found is None:
            found = _patches[key] = _Patch(owner, name)
        found.wraps.append(wrap)
        found.rebuild()
    return functools.partial(_undo, key, wrap)


def _undo(key: tuple[type, str], wrap: Wrap) -> None:
    with _lock:
        found = _patches.get(key)
        if found is None or wrap not in found.wraps:
            return
        found.wraps.remove(wrap)
        found.rebuild()
        if not found.wraps and found.removable():
            setattr(found.owner, found.name, found.original)
            del _patches[key]
