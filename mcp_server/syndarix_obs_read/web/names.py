"""Names to choose from in filters, remembered for a while: no page waits for them for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from syndarix_obs.errors import SyndarixObsError
from syndarix_obs_read.answers.names import NameField, list_names
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import ReadError

MOST: Final = 200
"""Names of one field."""
FIELDS: Final[tuple[NameField, ...]] = ("agent", "project", "task_type", "model", "tool", "decision_type")
"""Those that forms suggest names of."""
_KEPT_S: Final = 30.0
_KEPT_TIMES: Final = 50
_PATIENCE_S: Final = 0.3

Known = Mapping[str, tuple[str, ...]]


class Names:
    """Knows the names that occur. One for each server.

    Args:
        backend: who is asked.
        clock: seconds, for tests.
    """

    def __init__(self, backend: Backend, clock: Callable[[], float] = time.monotonic) -> None:
        self._backend = backend
        self._clock = clock
        self._known: Known = {}
        self._asked_at: float | None = None
        self._kept_s = _KEPT_S
        self._asking: asyncio.Task[None] | None = None

    async def known(self) -> Known:
        """Names by field; those of before, or none, while the backend takes its time."""
        now = self._clock()
        if self._asking is None and (self._asked_at is None or now - self._asked_at > self._kept_s):
            self._asked_at = now
            self._asking = asyncio.create_task(self._ask())
        if self._asking is not None and not self._known:
            await asyncio.wait({self._asking}, timeout=_PATIENCE_S)
        return self._known

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self) -> None:
        begun = self._clock()
        try:
            self._known = (await list_names(self._backend, FIELDS, MOST)).names
        except (ReadError, SyndarixObsError):
            self._known = {}  # the page itself says what is wrong
        finally:
            # Where the question is a dear one, it is asked the less often: at most a fiftieth of the time.
            self._kept_s = max(_KEPT_S, _KEPT_TIMES * (self._clock() - begun))
            self._asking = None
