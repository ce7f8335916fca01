"""The disk space that all spools of a platform share, and what goes first when it runs out.

Oldest payloads first, then oldest records, over all destinations; both are counted. What is being sent right now and
what is being written right now stay, so that the space in use may exceed the budget by two segments per destination.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from syndarix_obs.delivery.spool import Spool

_LARGEST_SEGMENT: Final = 4 * 1024 * 1024
_SMALLEST_SEGMENT: Final = 16 * 1024
_SEGMENTS: Final = 32


class DiskBudget:
    """Bytes on disk that may wait for destinations.

    Args:
        max_bytes: for all spools together. Processes that share a folder share it in equal parts.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.segment_bytes = min(_LARGEST_SEGMENT, max(_SMALLEST_SEGMENT, max_bytes // _SEGMENTS))
        self._spools: list[Spool] = []
        self._lock = threading.Lock()

    def add(self, spool: Spool) -> None:
        """Count a spool in."""
        with self._lock:
            self._spools.append(spool)

    def remove(self, spool: Spool) -> None:
        """Count a spool no longer."""
        with self._lock:
            if spool in self._spools:
                self._spools.remove(spool)

    def enforce(self) -> None:
        """Make room when more waits than may."""
        if self._excess() <= 0:
            return
        with self._lock:
            while self._excess() > 0 and self._slim_oldest():
                pass
            while self._excess() > 0 and self._drop_oldest():
                pass

    def after_fork(self) -> None:
        """In a forked child: the lock may have been held by a thread that is not there."""
        self._lock = threading.Lock()

    def _excess(self) -> int:
        processes = 1 + max((spool.siblings for spool in self._spools), default=0)
        return sum(spool.disk_bytes for spool in self._spools) - self.max_bytes // processes

    def _slim_oldest(self) -> bool:
        found = [(born, spool) for spool in self._spools if (born := spool.oldest_with_payload()) is not None]
        return bool(found) and min(found, key=lambda item: item[0])[1].slim_oldest()

    def _drop_oldest(self) -> bool:
        found = [(born, spool) for spool in self._spools if (born := spool.oldest_idle()) is not None]
        return bool(found) and min(found, key=lambda item: item[0])[1].drop_oldest()
