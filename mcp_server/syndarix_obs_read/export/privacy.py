"""What may leave in an export: secrets never; for sharing, other names, other times, and texts looked through again."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from syndarix_obs.redaction.step import Redactor
from syndarix_obs_read.export.rows import Row

QUASI_IDENTIFIERS: Final = ("agent", "project", "task_type", "environment", "service")
"""What, taken together, may tell who somebody is."""
ENOUGH: Final = 5
"""Users that must share each combination of quasi-identifiers, so that nobody stands out by them."""

_NAMES: Final = ("user", "session_id", "trace_id", "span_id", "parent_id", "record_id", "decision_id", "response_id")
_TIMES: Final = ("start_ns", "end_ns", "timestamp_ns")
_SHIFT_S: Final = 365 * 86_400
_PSEUDONYM: Final = re.compile(r"u_[0-9a-f]{16}", re.ASCII)
Change = Callable[[Row], Row]


def without_secrets() -> Change:
    """Rows whose secrets are masked, also those of a store that was filled with redaction switched off."""
    redactor = Redactor("secrets")
    return lambda row: dict(redactor.value(row))


def lines_without_secrets() -> Callable[[str], str]:
    """The same for lines of JSON. Most hold none, and such a line stays as it is."""
    redactor = Redactor("secrets")
    return lambda line: line if redactor.text(line) == line else redactor.json(json.loads(line))


def for_person(pseudonym: str) -> Change:
    """A person's own rows: secrets and what may be somebody else's are masked."""
    redactor = Redactor("all")

    def change(row: Row) -> Row:
        changed = redactor.value(row)
        return dict(_others_masked(changed, pseudonym))

    return change


def _others_masked(value: Any, own: str) -> Any:
    if isinstance(value, str):
        return _PSEUDONYM.sub(lambda found: own if found[0] == own else "[another person]", value)
    if isinstance(value, dict):
        return {key: _others_masked(each, own) for key, each in value.items()}
    return [_others_masked(each, own) for each in value] if isinstance(value, list) else value


@dataclass(slots=True)
class Sharing:
    """New pseudonyms, shifted times, redacted texts. The key is in memory only, unless the export is unfinished.

    Args:
        key: of the names of this export.
        shift_ns: added to every time.
    """

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    shift_ns: int = field(default_factory=lambda: (secrets.randbelow(2 * _SHIFT_S) - _SHIFT_S) * 10**9)
    _redactor: Redactor = field(default_factory=lambda: Redactor("all"))
    _users: dict[tuple[Any, ...], set[str]] = field(default_factory=lambda: defaultdict(set))

    def __call__(self, row: Row) -> Row:
        """The row as it may be shared."""
        user = row.get("user")
        if user:
            seen = self._users[tuple(row.get(name) for name in QUASI_IDENTIFIERS)]
            if len(seen) < ENOUGH:
                seen.add(str(user))
        return dict(self._redactor.value(self._value(row)))

    @property
    def k(self) -> int | None:
        """The fewest users of a combination of quasi-identifiers, counted up to `ENOUGH`; None without users."""
        return min((len(each) for each in self._users.values()), default=None)

    def words(self) -> str:
        """What to call the result."""
        if self.k is not None and self.k >= ENOUGH:
            names = ", ".join(QUASI_IDENTIFIERS)
            return f"k-anonymous over {names} (k >= {ENOUGH}); free text was redacted by patterns, it may tell more"
        return "pseudonymised, not anonymous"

    def name(self, value: str) -> str:
        """Another name, the same for the same value within this export."""
        return hmac.digest(self.key, value.encode(errors="replace"), "sha256").hex()[: max(16, min(32, len(value)))]

    def _value(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self._value(each, name) for name, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._value(each, key) for each in value]
        if key in _TIMES and isinstance(value, int):
            return value + self.shift_ns
        if key in _NAMES and isinstance(value, str):
            return self.name(value)
        return _PSEUDONYM.sub(lambda found: self.name(found[0]), value) if isinstance(value, str) else value
