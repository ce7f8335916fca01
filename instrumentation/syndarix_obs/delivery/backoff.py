"""How long to wait after a failed attempt."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

FIRST_S: Final = 0.25
"""Longest wait after the first failure."""
LONGEST_S: Final = 10.0
"""Longest wait after many failures: how long a destination that is back may have to wait for us."""
LONGEST_ASKED_S: Final = 120.0
"""Longest wait that a destination may ask for."""
REFUSED_S: Final = 30.0
"""Wait after an answer that only a change of settings can mend."""


class Backoff:
    """Waits that double, with jitter, so that many processes do not come back at the same moment.

    Args:
        jitter: gives a number from 0 to 1.
        longest: seconds; no wait of our own choice is longer.
    """

    def __init__(self, jitter: Callable[[], float] = random.random, longest: float = LONGEST_S) -> None:
        self._jitter = jitter
        self.longest = longest
        self._failures = 0

    def reset(self) -> None:
        """An attempt succeeded."""
        self._failures = 0

    def next(self, asked: float | None = None) -> float:
        """Seconds to wait after one more failure; never less than what was asked for, up to a limit."""
        limit = min(self.longest, FIRST_S * (1 << min(self._failures, 16)))
        self._failures += 1
        wait = limit * (0.5 + 0.5 * self._jitter())
        return wait if asked is None else max(min(asked, LONGEST_ASKED_S), wait)
