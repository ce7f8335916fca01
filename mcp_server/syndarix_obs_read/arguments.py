"""From the words of a question to a period and a filter: MCP tools and web pages read arguments alike."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange, parse_duration, parse_range
from syndarix_obs_read.users import pseudonym_of


def period_of(settings: ReadSettings, since: str | None, until: str | None = None) -> TimeRange:
    """The time that was asked about; as far back as the settings say without `since`."""
    return parse_range(since or settings.since, until, zone=settings.zone)


def filter_of(settings: ReadSettings, **given: Any) -> Filter:
    """The filter of the arguments that were given, empty ones left out.

    Args:
        given: fields of a `Filter`; `user` may be the raw id, `min_duration` is text such as `1.5s`, `min_cost_usd`
            dollars as number or text.

    Raises:
        UsageError: an argument cannot be read.
    """
    found = {name: value for name, value in given.items() if value not in (None, "", (), [])}
    if "kinds" in found:
        found["kinds"] = tuple(found["kinds"])
    if "user" in found:
        found["user"] = pseudonym_of(settings, found["user"])
    if "min_duration" in found:
        found["min_duration_ns"] = parse_duration(found.pop("min_duration"))
    if "min_cost_usd" in found:
        found["min_cost_usd"] = _amount(found["min_cost_usd"])
    return Filter(**found)


def _amount(dollars: float | str) -> Decimal:
    try:
        amount = Decimal(str(dollars).strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or amount < 0:
        raise FilterError(f"cannot read the amount {dollars!r}; examples: 0.05, 12")
    return amount
