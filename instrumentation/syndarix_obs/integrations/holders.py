"""Which platform of the process watches which library: one each, or every call would be recorded once per platform.

The first platform that asks holds a library until it stops watching. Those that asked later wait, and get it then.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

_PACKAGE: Final = __name__.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who watches a library.

    Args:
        platform: anything that stands for the platform.
        place: file and line of the program where it was asked to.
    """

    platform: Any
    place: str


class Holders:
    """Library → holder, and the platforms that wait. Use it under `lock`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._held: dict[str, Holder] = {}
        self._waiting: dict[Any, Callable[[], object]] = {}

    def other(self, library: str, platform: Any) -> Holder | None:
        """The platform that watches a library, unless it is this one."""
        found = self._held.get(library)
        return None if found is None or found.platform is platform else found

    def hold(self, library: str, platform: Any, place: str) -> None:
        """From now on this platform watches the library."""
        self._held[library] = Holder(platform, place)

    def wait(self, platform: Any, take: Callable[[], object]) -> None:
        """Remember a platform that did not get everything, and what will ask anew."""
        self._waiting[platform] = take

    def release(self, platform: Any) -> list[Callable[[], object]]:
        """The platform watches nothing and waits for nothing any more; returns what asks anew, longest wait first."""
        self._waiting.pop(platform, None)
        held = [library for library, holder in self._held.items() if holder.platform is platform]
        for library in held:
            del self._held[library]
        if not held:
            return []
        waiting, self._waiting = list(self._waiting.values()), {}
        return waiting


def place_of_caller() -> str:
    """File and line of the innermost frame outside this package, as `file:line`."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
