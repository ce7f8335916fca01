"""Users become pseudonyms before anything else looks at the span, and so do sessions whose ids say too much."""

from __future__ import annotations

from collections.abc import Callable

from syndarix_obs import vocabulary as v
from syndarix_obs.records.finished import FinishedSpan

_SESSIONS = (v.SESSION_ID, v.GEN_AI_CONVERSATION_ID)


class IdentifyStep:
    """Replaces the raw user id by its keyed pseudonym.

    Args:
        pseudonym: raw id of a user to pseudonym.
        session: a session's id to one that may leave.
    """

    def __init__(self, pseudonym: Callable[[str], str], session: Callable[[str], str] = str) -> None:
        self._pseudonym = pseudonym
        self._session = session

    def __call__(self, span: FinishedSpan) -> None:
        """Replace `user.id`, whether it came from our session or from a library's span, and ids of sessions."""
        attributes = span.attributes
        for name in _SESSIONS:
            if name in attributes:
                attributes[name] = self._session(str(attributes[name]))
        if v.ENDUSER_ID in attributes:
            attributes[v.ENDUSER_ID] = self._pseudonym(str(attributes[v.ENDUSER_ID]))
        user = span.attributes.get(v.USER_ID)
        if user is None:
            return
        correlation = span.correlation
        if correlation.user_is_pseudonym and user == correlation.user:
            return
        span.attributes[v.USER_ID] = self._pseudonym(str(user))
