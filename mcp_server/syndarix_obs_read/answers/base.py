"""What every answer says about itself: where it comes from, for which time, whether there is more, what to try next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field, PlainSerializer

from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend, FieldSource
from syndarix_obs_read.backends.rows import COUNTED_UP_TO, Rows, StoredRecord
from syndarix_obs_read.timerange import TimeRange, to_datetime


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(_iso, return_type=str, when_used="json")]
"""A moment in UTC, to the microsecond; in JSON `2026-03-01T14:30:00.000000Z`."""


class Period(Frozen):
    """The time that a question was about: from `since`, up to but without `until`."""

    since: Moment
    until: Moment
    text: str = Field(description="The same in words.")

    @classmethod
    def of(cls, period: TimeRange) -> Period:
        """The period of a range of time."""
        return cls(since=to_datetime(period.since_ns), until=to_datetime(period.until_ns), text=period.text)


class Answer(Frozen):
    """Base of all answers."""

    backend: str = Field(description="Where the answer comes from: `embedded` or `stack`.")
    period: Period | None = Field(default=None, description="The time asked about; null when it does not matter.")
    hints: tuple[str, ...] = Field(default=(), description="Why the answer is empty or cut, and what to try next.")


class ListAnswer(Answer):
    """Base of answers that are lists: limited, newest or largest first."""

    more: bool = Field(default=False, description="Whether there is more than what is listed.")
    total: int | None = Field(
        default=None, description=f"How many there are; {COUNTED_UP_TO} means that many or more, null unknown."
    )


def listing(page: Rows[Any], narrow: str) -> dict[str, Any]:
    """The fields of `ListAnswer` for a page.

    Args:
        page: the rows that are shown.
        narrow: the filters that make the list shorter, for the hint.
    """
    if not page.more:
        return {"more": False, "total": page.total}
    hint = f"{_left(page)}; narrow with {narrow}, or raise the limit"
    return {"more": True, "total": page.total, "hints": (hint,)}


async def some_fields(backend: Backend, where: Filter, names: Sequence[str], limit: int) -> Rows[StoredRecord]:
    """Records of which only these fields are looked at (see `FieldSource`), or whole ones."""
    if isinstance(backend, FieldSource):
        return await backend.some_fields(where, names, limit=limit)
    return await backend.records(where, limit=limit, payloads=False)


def _left(page: Rows[Any]) -> str:
    if page.total is None:
        return "there are more"
    left = page.total - len(page.rows)
    return f"{left:,} or more further ones" if page.total >= COUNTED_UP_TO else f"{left:,} more"
