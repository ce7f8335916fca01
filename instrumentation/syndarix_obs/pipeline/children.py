"""Children of pools end by `os._exit`, without `atexit`: what tells that they end is asked instead."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

_ENDING_S: Final = 5.0


def at_the_end(request: Callable[..., bool]) -> None:
    """Flush and end a worker when the process is a child of `multiprocessing` or of celery and ends.

    Args:
        request: the worker's, with a time in seconds and `close`.
    """
    if "multiprocessing.util" in sys.modules:
        _of_multiprocessing(request)
    signals = sys.modules.get("celery.signals")
    if signals is not None:
        _of_celery(signals, request)


def _of_multiprocessing(request: Callable[..., bool]) -> None:
    from multiprocessing.process import parent_process
    from multiprocessing.util import Finalize

    if parent_process() is not None:
        Finalize(None, request, args=(_ENDING_S,), kwargs={"close": True}, exitpriority=0)


def _of_celery(signals: Any, request: Callable[..., bool]) -> None:
    """celery's prefork pool: billiard's children run no finalizers either, and celery sends a signal of its own."""
    worker = getattr(request, "__self__", request)  # connected once, however often it starts

    def end(**_told: object) -> None:
        request(_ENDING_S, close=True)

    signals.worker_process_shutdown.connect(end, weak=False, dispatch_uid=f"syndarix-obs-{id(worker)}")
