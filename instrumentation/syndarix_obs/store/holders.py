"""Who in this process holds a store's file open: all of them can be asked to let go of it for a moment.

SQLite keeps one table of locks per process and file, and its connections share what they know of the write-ahead log.
Two moments need every connection of this process closed:

- `fork()`: the child inherits that table and would count locks as its own that only its parent holds.
- the log was deleted or replaced: a new connection beside an old one would go on with what the old one knew.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

from syndarix_obs.errors import StoreError

_FORK_WAIT_S: Final = 2.0
_REOPEN_WAIT_S: Final = 5.0


class Holder(Protocol):
    """Has connections to a file, and opens them again when they are needed."""

    path: Path

    def let_go(self, timeout: float) -> bool:
        """Close every connection and open none until `take_back`; False when one was still at work after `timeout`
        seconds, and then nothing is held up."""

    def take_back(self) -> None:
        """Connections may be opened again."""

    def start_over(self, *, closed: bool) -> None:
        """In a forked child: be without locks and connections. When not `closed`, keep the parent's out of reach of the
        garbage collector, which would close them."""


_holders: weakref.WeakSet[Holder] = weakref.WeakSet()
_changing = threading.Lock()
_paused: list[Holder] = []
_inherited: set[str] = set()


def register(holder: Holder) -> None:
    """Ask this one too, for as long as it lives."""
    with _changing:
        _holders.add(holder)


def refuse_inherited(path: Path) -> None:
    """Raise StoreError in a process that was forked while its parent was at work in the file."""
    if _inherited and os.path.realpath(path) in _inherited:
        raise StoreError(
            f"the store {path} cannot be used in this process: it was forked while a question or a write was under way "
            "in its parent. Fork when nothing is asked, or use the start method `spawn`"
        )


@contextlib.contextmanager
def all_closed(path: Path, but: Holder) -> Iterator[None]:
    """Within the block no holder of the file in this process has it open, apart from `but`, which sees to itself.

    Raises:
        StoreError: one of them was at work for too long; try again.
    """
    real = os.path.realpath(path)
    with _changing:
        others = [each for each in _holders if each is not but and os.path.realpath(each.path) == real]
    let_go = _ask(others, _REOPEN_WAIT_S)
    try:
        if len(let_go) < len(others):
            raise StoreError(f"the store {path} is still being read in this process: try again")
        yield
    finally:
        for holder in let_go:
            holder.take_back()


def _ask(holders: Iterable[Holder], timeout: float) -> list[Holder]:
    deadline = time.monotonic() + timeout
    return [each for each in holders if each.let_go(max(0.0, deadline - time.monotonic()))]


def _before_fork() -> None:
    _changing.acquire()
    _paused[:] = _ask(list(_holders), _FORK_WAIT_S)


def _after_fork_in_parent() -> None:
    for holder in _paused:
        holder.take_back()
    _paused.clear()
    _changing.release()


def _after_fork_in_child() -> None:
    global _changing
    _changing = threading.Lock()
    for holder in list(_holders):
        closed = any(each is holder for each in _paused)
        if not closed:
            _inherited.add(os.path.realpath(holder.path))
        holder.start_over(closed=closed)
    _paused.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
