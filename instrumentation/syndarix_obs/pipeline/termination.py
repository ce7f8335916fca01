"""SIGTERM and SIGHUP: save what waits, then end as the program would have ended.

Python's default is to stop without running anything; `multiprocessing.Pool` as a context manager, container runtimes
and service managers send SIGTERM as the normal end. A program with a handler of its own keeps it, and is expected to
end in the normal way. Servers that put theirs in place for a while raise the signal again for the handler that was
there before, which is this one.

The saving is done by a thread, as the interrupted code may hold a lock that it needs: after two seconds that code may
go on, and the thread ends the process when it is done.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import weakref
from collections.abc import Sequence
from types import FrameType
from typing import Final, Protocol

from syndarix_obs.guard import record_failure

_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_HOLD_S: Final = 2.0
"""How long the interrupted code is held up by a saving thread that gets nowhere."""
_LONGEST_S: Final = 4.0
"""How long one platform may take; at the end of that, what cannot be delivered or stored is on disk."""


class Saved(Protocol):
    """What is saved: a platform's runtime."""

    @property
    def recording(self) -> bool:
        """Whether anything may wait."""
        ...

    def close(self, timeout: float) -> bool:
        """Flush and end within `timeout` seconds."""
        ...


class _Ending:
    """How far the end of one process is."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None
        self.saved = False
        self.let_go = False


_platforms: weakref.WeakSet[Saved] = weakref.WeakSet()
_ending = _Ending()


def install() -> None:
    """Handle the signals that nobody handles or ignores; does nothing outside of the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in _SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _on_signal)


def save(platform: Saved) -> None:
    """Save this platform, too, when the process is told to end."""
    _platforms.add(platform)
    install()


def _on_signal(number: int, _frame: FrameType | None) -> None:
    global _ending
    if _ending.process != os.getpid():
        _ending = _Ending()  # a forked child: what its parent does is not its own end
    if not _ending.saved and not _saved_in_time(number):
        return
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _saved_in_time(number: int) -> bool:
    """Whether the process may end now; False when the thread will end it."""
    ending = _ending
    if ending.thread is None:
        waiting = [each for each in list(_platforms) if each.recording]
        if not waiting:
            return True
        ending.thread = threading.Thread(target=_save, args=(ending, waiting, number), daemon=True)
        try:
            ending.thread.start()
        except RuntimeError:
            return True  # the interpreter is ending by itself
    ending.thread.join(_HOLD_S)
    with ending.lock:
        ending.let_go = not ending.saved
    return ending.saved


def _save(ending: _Ending, platforms: Sequence[Saved], number: int) -> None:
    for platform in platforms:
        try:
            platform.close(_LONGEST_S)
        except Exception as error:  # noqa: BLE001 - the others are to be saved all the same
            record_failure("termination", error)
    with ending.lock:
        ending.saved = True
        end_it = ending.let_go
    if end_it:
        os.kill(os.getpid(), number)
        time.sleep(_HOLD_S)  # the main thread runs the handler, unless it is stuck outside of Python
        os._exit(128 + number)
