"""While a session is played again, the platforms of the process record nothing: a replay is neither work nor cost."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from typing import Protocol


class Pausable(Protocol):
    """What can stop recording for a while."""

    def pause(self) -> None:
        """Ignore what comes."""
        ...

    def resume(self) -> None:
        """Record again."""
        ...


_known: weakref.WeakSet[Pausable] = weakref.WeakSet()
_depth = 0


def register(runtime: Pausable) -> None:
    """Have a runtime paused with the others; one that is made in a pause begins paused."""
    _known.add(runtime)
    if _depth:
        runtime.pause()


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """No platform of this process records anything within the block."""
    global _depth
    _depth += 1
    for runtime in list(_known):
        runtime.pause()
    try:
        yield
    finally:
        _depth -= 1
        if not _depth:
            for runtime in list(_known):
                runtime.resume()
