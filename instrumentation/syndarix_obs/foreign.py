"""Running code of the caller's objects on the worker: `__str__`, properties, iterators, a redaction of one's own.

Such code may raise anything, `SystemExit` included, take for ever, or never come to an end. Each call goes through
`run`, which marks it, so that the worker's watchdog sees how long it lasts. The watchdog first raises `TookTooLong`
inside of it; where that has no effect, as in a call that sleeps, it gives the thread up and starts another, and
`Abandoned` ends the old one should it ever come back. All calls for one text together have two seconds.

On other threads than a worker's, `run` only calls.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LONGEST_S: Final = 2.0
"""Seconds that the caller's code may take for all values of one text."""


class TookTooLong(BaseException):
    """The caller's code took too long. No `Exception`, so that code of the caller is unlikely to swallow it."""


class Abandoned(BaseException):
    """This thread was given up, and another does its work: nothing here may touch that any more."""


class Mark:
    """What one worker thread is doing; read by its watchdog.

    `call` is the number of the caller's call that is running, 0 while none is; `spent` are the seconds of all calls
    since `begin`.
    """

    __slots__ = ("abandoned", "call", "calls", "spent")

    def __init__(self) -> None:
        self.call = self.calls = 0
        self.spent = 0.0
        self.abandoned = False


_here = threading.local()


def watched_by(mark: Mark) -> None:
    """From now on this thread's calls are marked there."""
    _here.mark = mark


def begin() -> None:
    """A new text begins: its calls have all of the time again."""
    mark = getattr(_here, "mark", None)
    if mark is not None and not mark.call:
        mark.spent = 0.0


def run(call: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Call code of the caller's.

    Raises:
        TookTooLong: the time for this text was used up.
        Abandoned: meanwhile another thread took over.
        Anything that the code raises.
    """
    mark: Mark | None = getattr(_here, "mark", None)
    if mark is None or mark.call:
        return call(*args, **options)
    if mark.spent > LONGEST_S:
        raise TookTooLong
    began = time.monotonic()
    mark.calls += 1
    mark.call = mark.calls
    try:
        return call(*args, **options)
    finally:
        mark.call = 0
        mark.spent += time.monotonic() - began
        if mark.abandoned:
            raise Abandoned


def stand_in(value: Any, error: BaseException) -> str:
    """What is shown in place of a value whose code raised."""
    name = type(value).__name__
    return f"[{name} took too long to read]" if isinstance(error, TookTooLong) else f"[unreadable {name}]"
