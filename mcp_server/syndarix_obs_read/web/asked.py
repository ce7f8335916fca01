"""What a request asks for: its words as a filter, a time and a number of rows, and the addresses of its neighbours."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Final, TypeAlias, TypeVar
from urllib.parse import urlencode

from syndarix_obs.errors import SyndarixObsError
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.arguments import filter_of, period_of
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import Ambiguous, FilterError, Forbidden, NotFound, ReadError, UsageError
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange
from syndarix_obs_read.web import query

T = TypeVar("T", bound=Answer)

MOST_ROWS: Final = 1_000
"""Rows of one page."""
TIME: Final = ("since", "until")
"""Words that go from page to page."""
_BEFORE: Final = re.compile(r"(\d{1,19})(?:\.(\d{1,4}))?", re.ASCII)
_FIELDS: Final = {
    "min_cost": "min_cost_usd", "session": "session_id", "trace": "trace_id", "type": "decision_type",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failure:
    """A question that has no answer: what is wrong and what to do next, and the HTTP status that says so."""

    message: str
    status: int
    near: tuple[str, ...] = ()


Got: TypeAlias = T | Failure
"""An answer, or why there is none."""


@dataclass(frozen=True, slots=True)
class Before:
    """Where an older page begins: rows from before a moment (microseconds), without the first `skip` of them."""

    us: int
    skip: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `since` is how far back it looks if it does not say, `known` are names to suggest, by field,
    `form_token` is what a form has to bring back that changes something."""

    backend: Backend
    settings: ReadSettings
    path: str
    given: Mapping[str, str]
    since: str
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    form_token: str = ""

    @property
    def zone(self) -> tzinfo:
        """The zone of days and of times shown."""
        return self.settings.zone

    def word(self, name: str) -> str | None:
        """A word that was given, None when it is missing or blank."""
        return self.given.get(name)

    def needed(self, name: str) -> str:
        """A word without which there is no page."""
        found = self.word(name)
        if found is None:
            raise FilterError(f"the address lacks `{name}`: follow a link of the explorer, or add ?{name}=…")
        return found

    def period(self) -> TimeRange:
        """The time that was asked about, up to where an older page begins."""
        found = period_of(self.settings, self.word("since") or self.since, self.word("until"))
        before = self.before
        if before is None:
            return found
        return replace(found, until_ns=max(found.since_ns, min(found.until_ns, before.us * 1_000)))

    @property
    def before(self) -> Before | None:
        """Where an older page begins."""
        text = self.word("before")
        if text is None:
            return None
        match = _BEFORE.fullmatch(text)
        if match is None:
            raise FilterError(f"cannot read before={text!r}: it comes from a link `older`, leave it away")
        return Before(int(match[1]), int(match[2] or 0))

    def filter(self, *names: str) -> Filter:
        """The filter of the words that a page takes.

        Args:
            names: words of the address: fields of a `Filter`, or `text`, `session`, `trace`, `type`, `kind`,
                `min_cost`, `min_duration`. What stands in the search box (`q`) comes before other words.
        """
        given = {name: self.word(name) for name in names}
        if (searched := self.word("q")) is not None:
            given |= query.read(searched, names)
        kinds = (given.pop("kind", None) or "").split(",")
        words = {_FIELDS.get(name, name): value for name, value in given.items()}
        return filter_of(self.settings, **words, kinds=[kind for kind in kinds if kind])

    def limit(self, default: int | None = None, most: int = MOST_ROWS) -> int:
        """Most rows to show, those that an older page leaves out not counted."""
        text = self.word("limit")
        if text is None:
            return default or min(self.settings.limit, most)
        if not (text.isascii() and text.isdecimal() and 0 < int(text) <= most):
            raise FilterError(f"limit={text!r} is no number from 1 to {most:,}")
        return int(text)

    def here(self, **changes: str | int | None) -> str:
        """The address of this page with some words changed, or left away by None."""
        words = {**self.given, **changes}
        return address(self.path, **words)

    def to(self, path: str, **words: str | int | None) -> str:
        """The address of another page, about the same time."""
        time = {name: self.word(name) for name in TIME}
        if time.get("since") is None and self.since != self.settings.since:
            time["since"] = self.since  # this page looks further back by itself than the other one would
        return address(path, **{**time, **words})


def address(path: str, **words: str | int | None) -> str:
    """An address of ours, its words quoted; None leaves a word away."""
    words_text = urlencode([(name, value) for name, value in words.items() if value is not None], errors="replace")
    return f"{path}?{words_text}" if words_text else path


async def attempt(question: Awaitable[T]) -> Got[T]:
    """Ask; what is wrong with the question or the backend becomes a `Failure`, so that the rest of a page goes on."""
    try:
        return await question
    except (ReadError, SyndarixObsError) as error:
        return failure(error)


def failure(error: Exception) -> Failure:
    """An error as a page shows it."""
    said = error.for_face("web") if isinstance(error, ReadError) else str(error)
    if isinstance(error, NotFound):
        return Failure(said, 404, error.nearest)
    if isinstance(error, Ambiguous):
        return Failure(said, 404, error.candidates)
    if isinstance(error, Forbidden):
        return Failure(said, 403)
    return Failure(said, 400 if isinstance(error, UsageError) else 503)


def before_word(last: datetime, same: int) -> str:
    """The word for rows from the last one shown on, which `same` rows of its microsecond were shown of."""
    return f"{_us(last) + 1}.{same}"


def _us(moment: datetime) -> int:
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1_000_000 + moment.microsecond
