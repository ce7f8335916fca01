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
from syndarix_obs_read.backends.decrypted import Texts
from syndarix_obs_read.export.rows import Entry, Row

QUASI_IDENTIFIERS: Final = ("agent", "project", "task_type", "environment", "service")
"""What, taken together, may tell who somebody is."""
ENOUGH: Final = 5
"""Users that must share each combination of quasi-identifiers, so that nobody stands out by them."""

_NAMES: Final = ("user", "session_id", "trace_id", "span_id", "parent_id", "record_id", "decision_id", "response_id")
_TIMES: Final = ("start_ns", "end_ns", "timestamp_ns")
_SHIFT_S: Final = 365 * 86_400
_PSEUDONYM: Final = re.compile(r"u_[0-9a-f]{16}", re.ASCII)
OURS: Final = frozenset({"trace_id", "span_id", "parent_id", "record_id", "kind", "status"})
"""Fields that no caller fills."""
_REMEMBERED: Final = 50_000
_LONGEST_REMEMBERED: Final = 200
Change = Callable[[Entry], Entry]
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


class WithoutSecrets:
    """Entries whose secrets are masked, also those of a store that was filled with redaction switched off.

    Names of agents, models, tools come again with every entry: what was found clean once is not searched again.
    """

    def __init__(self) -> None:
        self._redactor = Redactor("secrets")
        self.clean: set[str] = set()

    def __call__(self, entry: Entry) -> Entry:
        """The entry as it may leave."""
        row, body = entry
        return self._row(row), None if body is None else self.payload(body)

    def payload(self, body: str) -> str:
        """The text of a payload as it may leave."""
        return self._redactor.json_text(body)

    def passes(self, new: list[str], nested: str | None) -> bool:
        """Whether texts, and what is nested as JSON, hold no secret; such texts are remembered."""
        if nested and self._redactor.json_text(nested) != nested:
            return False
        if new:
            if self._redactor.both(new)[1] is not None:
                return False
            if len(self.clean) > _REMEMBERED:
                self.clean.clear()
            self.clean.update(each for each in new if len(each) <= _LONGEST_REMEMBERED)
        return True

    def _row(self, row: Row) -> Row:
        clean = self.clean
        new: list[str] = []
        nested: Row = {}
        for name, value in row.items():
            if type(value) is str:
                if value not in clean and name not in OURS:
                    new.append(value)
            elif isinstance(value, (dict, list)) and value:
                nested[name] = value
        if self.passes(new, _dumps(nested) if nested else None):
            return row
        return dict(self._redactor.value(row))


def for_person(pseudonym: str) -> Callable[[Row], Row]:
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
        texts: reads what is encrypted: tokens would tell users again from export to export.
    """

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    shift_ns: int = field(default_factory=lambda: (secrets.randbelow(2 * _SHIFT_S) - _SHIFT_S) * 10**9)
    texts: Texts = field(default_factory=lambda: Texts(None))
    _redactor: Redactor = field(default_factory=lambda: Redactor("all"))
    _users: dict[tuple[Any, ...], set[str]] = field(default_factory=lambda: defaultdict(set))

    def __call__(self, entry: Entry) -> Entry:
        """The entry as it may be shared."""
        row, body = entry
        if self.texts:
            row, body = self.texts.value(row), None if body is None else self.texts.body(body)
        user = row.get("user")
        if user:
            seen = self._users[tuple(row.get(name) for name in QUASI_IDENTIFIERS)]
            if len(seen) < ENOUGH:
                seen.add(self.name(str(user)))
        payload = None if body is None else self._redactor.json(self._value(json.loads(body)))
        return dict(self._redactor.value(self._value(row))), payload

    def seen(self) -> list[list[Any]]:
        """Combinations of quasi-identifiers with some of their users, for `add` of another process."""
        return [[list(names), sorted(users)] for names, users in self._users.items()]

    def add(self, seen: list[list[Any]]) -> None:
        """Count what another process has seen."""
        for names, users in seen:
            known = self._users[tuple(names)]
            known.update(users[: max(0, ENOUGH - len(known))] if len(known) < ENOUGH else ())

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
