"""The gate for what leaves beside spans: names, ids and lines, whoever made them.

Spans have `step.RedactStep`. This file has the rest: records that are not a span's, values of labels, ids in headers.
It is asked in the places that everything of its kind passes (`Pipeline.emit`, `Family`, `propagation`), so that
whoever adds a field need not think of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from syndarix_obs.redaction.step import Redactor

T = TypeVar("T")
_MOST = 8_192
_LONGEST = 256
_OURS: Final = frozenset({"record_id", "trace_id", "span_id", "parent_id", "severity", "status", "payload", "user"})
"""Fields of records that hold what we made ourselves: ids, fixed words, the pseudonym; the payload has its own way."""


class Names:
    """Masked names and ids: each text is looked at once and remembered, a bounded number of them.

    Args:
        redactor: masks texts.
        pseudonym: the keyed pseudonym of a raw id.
    """

    def __init__(self, redactor: Redactor, pseudonym: Callable[[str], str]) -> None:
        self._redactor = redactor
        self._pseudonym = pseudonym
        self._texts: dict[str, str] = {}
        self._sessions: dict[str, str] = {}

    def text(self, text: str) -> str:
        """A name with what is sensitive in it masked."""
        if self._redactor.sees_everything:
            return self._redactor.text(text)
        return self._remembered(self._texts, text, self._redactor.text)

    def session(self, session_id: str) -> str:
        """A session's id; one that holds something sensitive becomes a keyed pseudonym, so that two stay two."""
        return self._remembered(self._sessions, session_id, self._named)

    def _named(self, session_id: str) -> str:
        if self._redactor.text(session_id) == session_id:
            return session_id
        return "s_" + self._pseudonym("session:" + session_id).removeprefix("u_")

    def _remembered(self, known: dict[str, str], text: str, way: Callable[[str], str]) -> str:
        found = known.get(text)
        if found is None:
            found = way(text)
            if len(text) <= _LONGEST:
                if len(known) >= _MOST:
                    known.clear()
                known[text] = found
        return found

    def record(self, record: T) -> T:
        """A record that is not a span's: every text of it masked, in place; it is not handed out yet."""
        for field in fields(record):  # type: ignore[arg-type]  # records are dataclasses
            value = getattr(record, field.name)
            clean = self._field(field.name, value)
            if clean is not value:
                object.__setattr__(record, field.name, clean)
        return record

    def _field(self, name: str, value: Any) -> Any:
        if name == "payload":
            return self._redactor.json_text(value) if isinstance(value, str) else value
        if name == "session_id" and isinstance(value, str):
            return self.session(value)
        if name in _OURS or value is None:
            return value
        if isinstance(value, str):
            clean = self.text(value)
            return value if clean == value else clean
        if isinstance(value, (dict, tuple, list)) and value and name in ("attributes", "options"):
            masked = self._redactor.value(value)
            return tuple(masked) if isinstance(value, tuple) else masked
        return value
