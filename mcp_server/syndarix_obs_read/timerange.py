"""The one reader of times: `2h`, `1h30m`, `7d`, `today`, `2026-03-01`, `2026-03-01T14:30`, unix times.

A time without a zone is meant in the zone of the settings. A whole day or month stands for its first moment as
`since` and for its last as `until`, so that `--since yesterday --until yesterday` is exactly yesterday.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from syndarix_obs_read.errors import TimeRangeError
from syndarix_obs_read.next_steps import Argument

SECOND_NS: Final = 1_000_000_000
EXAMPLES: Final = "30m, 2h, 1h30m, 7d, today, yesterday, 2026-03, 2026-03-01, 2026-03-01T14:30, 1772373600"
"""What a time may look like, for messages and help."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])", re.ASCII)
_UNIX = re.compile(r"\d{10}(?:\.\d+)?|\d{13}|\d{16}|\d{19}", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_DAY = re.compile(r"\d{4}-?\d{2}-?\d{2}", re.ASCII)
_LONGEST_AGO_S = 100 * 366 * 86_400


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `since_ns` (included) to `until_ns` (not included), nanoseconds since the epoch; `text` is for people."""

    since_ns: int
    until_ns: int
    text: str

    @property
    def seconds(self) -> float:
        """Length of the range."""
        return (self.until_ns - self.since_ns) / SECOND_NS


def parse_range(since: str, until: str | None = None, *, zone: tzinfo = UTC, now_ns: int | None = None) -> TimeRange:
    """Read the two ends of a range.

    Args:
        since: where it begins, see `EXAMPLES`.
        until: where it ends; None means now.
        zone: zone of times that name none.
        now_ns: nanoseconds since the epoch, for tests.

    Raises:
        TimeRangeError: one of them cannot be read, or the range ends before it begins.
    """
    now = time.time_ns() if now_ns is None else now_ns
    start = _moment(since, now, zone, end=False)
    # Records of this very moment belong to "until now", so the open end lies a moment ahead.
    end = now + SECOND_NS if until is None else _moment(until, now, zone, end=True)
    if end <= start:
        raise TimeRangeError(
            f"the range from {since!r} to {until or 'now'!r} ends before it begins: "
            f"{_shown(start, zone)} to {_shown(end, zone)}",
            next=("swap the two, or leave ", Argument("until"), " away for now"),
        )
    return TimeRange(start, end, _wording(since, until))


def parse_duration(text: str) -> int:
    """A length of time such as `1.5s`, `250ms` or `2m` in nanoseconds; a bare number means seconds.

    Raises:
        TimeRangeError: it cannot be read.
    """
    cleaned = text.strip().lower()
    if re.fullmatch(r"\d+(?:\.\d+)?", cleaned, re.ASCII):
        return _scaled(float(cleaned), text)
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)ms", cleaned, re.ASCII):
        return _scaled(float(match[1]) / 1000, text)
    if _AGO.fullmatch(cleaned):
        return _scaled(_seconds(cleaned), text)
    raise TimeRangeError(f"cannot read the duration {text!r}; examples: 250ms, 1.5s, 2m, 1h30m")


def to_datetime(ns: int, zone: tzinfo = UTC) -> datetime:
    """Nanoseconds since the epoch as a time with a zone, to the microsecond."""
    seconds, rest = divmod(ns, SECOND_NS)
    try:
        return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds, microseconds=rest // 1000)).astimezone(zone)
    except (OverflowError, ValueError):  # a clock that stands beyond the year 9999, or a wrong unit
        return datetime.max.replace(tzinfo=UTC) if ns > 0 else datetime.min.replace(tzinfo=UTC)


def day_start(ns: int, zone: tzinfo) -> int:
    """The first moment of the day that `ns` lies in."""
    return _ns(to_datetime(ns, zone).replace(hour=0, minute=0, second=0, microsecond=0))


def month_start(ns: int, zone: tzinfo) -> int:
    """The first moment of the month that `ns` lies in."""
    return _ns(to_datetime(ns, zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0))


def next_month(ns: int, zone: tzinfo) -> int:
    """The first moment of the month after the one that `ns` lies in."""
    moment = to_datetime(ns, zone)
    year, month = (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)
    return _ns(datetime(year, month, 1, tzinfo=zone))


def _moment(text: str, now: int, zone: tzinfo, *, end: bool) -> int:
    cleaned = text.strip().lower().removesuffix(" ago").replace(" ", "T", 1).removeprefix("-")
    if _AGO.fullmatch(cleaned):
        return max(0, now - _scaled(_seconds(cleaned), text))
    if cleaned == "now":
        return now + SECOND_NS if end else now
    if cleaned in {"today", "yesterday"}:
        today = to_datetime(now, zone)
        return _day(today if cleaned == "today" else today - timedelta(days=1), end)
    if _UNIX.fullmatch(cleaned):
        return _unix(cleaned)
    return _calendar(cleaned.upper(), text, zone, end)


def _calendar(cleaned: str, text: str, zone: tzinfo, end: bool) -> int:
    try:
        if month := _MONTH.fullmatch(cleaned):
            first = _ns(datetime(int(month[1]), int(month[2]), 1, tzinfo=zone))
            return next_month(first, zone) if end else first
        found = datetime.fromisoformat(cleaned)
        if _DAY.fullmatch(cleaned):
            return _day(found.replace(tzinfo=zone), end)
        return _ns(found if found.tzinfo else found.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        raise TimeRangeError(f"cannot read the time {text!r}; examples: {EXAMPLES}") from None


def _day(moment: datetime, end: bool) -> int:
    first = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return _ns(first + timedelta(days=1) if end else first)


def _unix(digits: str) -> int:
    if "." in digits:
        whole, part = digits.split(".")
        return int(whole) * SECOND_NS + int((part + "0" * 9)[:9])
    return int(digits.ljust(19, "0"))


def _seconds(text: str) -> float:
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def _scaled(seconds: float, text: str) -> int:
    if seconds > _LONGEST_AGO_S:
        raise TimeRangeError(f"{text!r} is longer than 100 years; examples: {EXAMPLES}")
    return round(seconds * SECOND_NS)


def _ns(moment: datetime) -> int:
    passed = moment.astimezone(UTC) - datetime.fromtimestamp(0, UTC)
    return (passed.days * 86_400 + passed.seconds) * SECOND_NS + passed.microseconds * 1000


def _shown(ns: int, zone: tzinfo) -> str:
    return to_datetime(ns, zone).strftime("%Y-%m-%d %H:%M %Z")


def _wording(since: str, until: str | None) -> str:
    if until is not None:
        return f"{since} to {until}"
    if _AGO.fullmatch(since.strip().lower()):
        return f"the last {since.strip()}"
    return f"since {since}"
