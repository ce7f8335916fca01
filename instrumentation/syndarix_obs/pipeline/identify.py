"""Users become pseudonyms before anything else looks at the span."""

from __future__ import annotations

from collections.abc import Callable

from syndarix_obs import vocabulary as v
from syndarix_obs.records.finished import FinishedSpan


class IdentifyStep:
    """Replaces the raw user id by its keyed pseudonym.

    Args:
        pseudonym: raw id to pseudonym.
    """

    def __init__(self, pseudonym: Callable[[str], str]) -> None:
        self._pseudonym = pseudonym

    def __call__(self, span: FinishedSpan) -> None:
        """Replace `user.id`, whether it came from our session or from a library's span."""
        user = span.attributes.get(v.USER_ID)
        if user is None:
            return
        correlation = span.correlation
        if correlation.user_is_pseudonym and user == correlation.user:
            return
        span.attributes[v.USER_ID] = self._pseudonym(str(user))
