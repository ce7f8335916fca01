"""Contain and count our own failures: the agent never sees an exception of ours.

Every internal step runs under `guarded("site")`, as a decorator or a `with` block. A failure is counted under its site,
logged once per site, and swallowed; under tests (`reraise_internal_errors`) it is raised, so that no bug hides here.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from types import TracebackType

_log = logging.getLogger("syndarix_obs")
_lock = threading.Lock()
_counts: Counter[str] = Counter()
_listeners: list[Callable[[str], None]] = []
_reraise = False


class guarded(ContextDecorator):
    """Swallow and count any `Exception` raised inside; `KeyboardInterrupt` and friends pass.

    Args:
        site: short stable name of the step, the label of `syndarix_obs_internal_errors_total`.
    """

    __slots__ = ("_site",)

    def __init__(self, site: str) -> None:
        self._site = site

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        record_failure(self._site, error)
        return not _reraise


def record_failure(site: str, error: BaseException) -> None:
    """Count a contained failure and log the first one of each site, without the values that caused it."""
    with _lock:
        _counts[site] += 1
        first = _counts[site] == 1
        listeners = tuple(_listeners)
    for listener in listeners:
        listener(site)
    if first:
        _log.warning(
            "syndarix-obs: internal failure in %s (%s); the agent is not affected, further ones are only counted",
            site, type(error).__name__, exc_info=_reraise,
        )  # fmt: skip


def failures() -> dict[str, int]:
    """Contained failures so far, by site."""
    with _lock:
        return dict(_counts)


def on_failure(listener: Callable[[str], None]) -> Callable[[], None]:
    """Call `listener(site)` at every contained failure; returns a function that removes it again."""
    with _lock:
        _listeners.append(listener)

    def remove() -> None:
        with _lock:
            if listener in _listeners:
                _listeners.remove(listener)

    return remove


@contextmanager
def reraise_internal_errors(enabled: bool = True) -> Iterator[None]:
    """Within the block contained failures are counted and raised: for tests."""
    global _reraise
    before, _reraise = _reraise, enabled
    try:
        yield
    finally:
        _reraise = before


def reset() -> None:
    """Forget all counts and listeners: for tests."""
    with _lock:
        _counts.clear()
        _listeners.clear()
