"""SIGTERM in a launched program: save what waits, then end as the program would have ended.

Servers such as uvicorn put their own handler in place, and raise the signal again for the handler that was there
before when they have finished; multiprocessing and service managers send it as the normal end. Python's default is to
stop without running anything. This handler is put in place at the start of the interpreter, so it comes last.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Final

from syndarix_obs.guard import guarded

_SAVE_WITHIN_S: Final = 3.0


def save_on_sigterm() -> None:
    """Install the handler where nobody else has one."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _save)


def _save(number: int, _frame: FrameType | None) -> None:
    default = sys.modules.get("syndarix_obs.default")
    if default is not None and default.made() is not None:
        with guarded("launcher"):
            default.made().flush(_SAVE_WITHIN_S)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
