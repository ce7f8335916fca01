"""Looks after the worker: ends code of the caller's that takes too long, and has a thread replaced that does not react.

It counts its own looks instead of reading a clock, so that a process that was stopped for a while, or a machine that
sleeps, is not taken for code that hangs.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Final

from syndarix_obs.foreign import Mark, TookTooLong

LOOK_EVERY_S: Final = 0.25
LOOKS_UNTIL_ENDED: Final = 8
"""Looks at one and the same call until it is ended by an exception."""
LOOKS_UNTIL_REPLACED: Final = 12
"""Looks until the thread is given up."""
SPINS_UNTIL_RAISED: Final = 100_000
"""Far more turns of a loop than the interpreter needs to raise what waits for this thread."""


class Watchdog:
    """A thread that looks after another.

    Args:
        replace: has another thread take over; called with the reason.
        look_every: seconds between two looks.
    """

    def __init__(self, replace: Callable[[str], None], look_every: float = LOOK_EVERY_S) -> None:
        self._replace = replace
        self._look_every = look_every
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._mark = Mark()
        self._call = self._looks = 0

    def look_after(self, thread: threading.Thread, mark: Mark) -> None:
        """From now on, look after this thread."""
        self._thread, self._mark = thread, mark
        self._call = self._looks = 0

    def start(self) -> None:
        """Begin to look. Where no thread can be started, at the end of the interpreter, nobody looks."""
        try:
            threading.Thread(target=self._run, name="syndarix-obs-watchdog", daemon=True).start()
        except RuntimeError:
            return

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(self._look_every):
            self.look()

    def look(self) -> None:
        """One look."""
        thread, call = self._thread, self._mark.call
        if thread is not None and thread.ident is not None and not thread.is_alive():
            self._replace("the worker died")
            return
        if not call or call != self._call:
            self._call, self._looks = call, 0
            return
        self._looks += 1
        if self._looks == LOOKS_UNTIL_ENDED:
            self._end_call()
        elif self._looks == LOOKS_UNTIL_REPLACED:
            self._replace("code of a recorded object does not come back; another thread took over")

    def _end_call(self) -> None:
        """Raise in the other thread: at its next step in Python, which never comes while it sleeps or waits."""
        if self._thread is not None and sys.implementation.name == "cpython":
            _raise_in(self._thread.ident or 0)


def _raise_in(thread: int) -> None:
    """Have a thread raise, and let no other thread see that something waits to be raised.

    Up to CPython 3.12 the sign of that is one for all threads and stays until the thread meant has raised, which a
    sleeping one does not. Meanwhile every other thread takes the slow path, and on 3.11 one that is traced (a debugger,
    coverage) goes round for ever at its next call of a function: hence no call between the two lines that raise.
    Raising one in this thread takes the sign back; the thread meant sets it again by itself when it wakes.
    """
    raise_in, error = ctypes.pythonapi.PyThreadState_SetAsyncExc, ctypes.py_object(TookTooLong)
    there, here = ctypes.c_ulong(thread), ctypes.c_ulong(threading.get_ident())
    try:
        raise_in(there, error)
        raise_in(here, error)
        for _ in range(SPINS_UNTIL_RAISED):
            pass
    except TookTooLong:
        return
