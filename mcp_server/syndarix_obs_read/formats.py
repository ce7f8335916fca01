"""Amounts, times and ids as people read them."""

from __future__ import annotations

from datetime import datetime, tzinfo
from decimal import Decimal

from syndarix_obs_read.amounts import Cost

NOTHING = "–"
"""What stands where there is no value."""


def money(amount: Decimal | None) -> str:
    """Dollars: cents from a dollar on, four digits that count below; `–` for None."""
    if amount is None:
        return NOTHING
    if amount == 0:
        return "$0"
    if abs(amount) >= 1:
        return f"${amount:,.2f}"
    shown = format(amount.quantize(Decimal(1).scaleb(amount.adjusted() - 3)), "f")
    whole, _, digits = shown.partition(".")
    return f"${whole}.{digits.rstrip('0').ljust(2, '0')}"


def cost(found: Cost) -> str:
    """The total, marked `~` when part of it is an estimate, and how many calls have no price."""
    if not found.calls:
        return NOTHING
    if found.total_usd is None:
        return "unpriced"
    marked = f"{'~' if found.estimated_calls else ''}{money(found.total_usd)}"
    return f"{marked} +{found.unpriced_calls}?" if found.unpriced_calls else marked


def difference(amount: Decimal | None) -> str:
    """Dollars that are more or less than others: `+$1.20`, `-$0.35`; `–` for None."""
    if amount is None or amount == 0:
        return money(amount)
    return f"{'+' if amount > 0 else '-'}{money(abs(amount))}"


def cost_words(found: Cost) -> str:
    """The same in words, for a sentence."""
    if not found.calls:
        return "$0"
    if found.total_usd is None:
        return f"unpriced ({', '.join(found.unpriced_models)})"
    parts = [money(found.total_usd)]
    if found.estimated_calls:
        parts.append(f"{money(found.estimated_usd)} of it estimated")
    if found.unpriced_calls:
        calls = "call" if found.unpriced_calls == 1 else "calls"
        parts.append(f"without {found.unpriced_calls} {calls} of no known price")
    return ", ".join(parts)


def duration(milliseconds: float | None) -> str:
    """A length of time in the unit that fits: `0.4ms`, `12ms`, `1.25s`, `2m05s`, `1h12m`, `3d04h`."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < 1:
        return f"{milliseconds:.1f}ms" if milliseconds >= 0.05 else "0"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f}ms"
    seconds = milliseconds / 1000
    if seconds < 59.995:
        return f"{seconds:.2f}s" if seconds < 10 else f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3600:02}h"


def figure(name: str, value: float | None) -> str:
    """A figure of an agent in its unit, which its name tells: dollars, seconds, a share or a count; `–` for None."""
    if value is None:
        return NOTHING
    if name == "cost":
        return money(Decimal(repr(value)))
    if "latency" in name:
        return duration(value * 1000)
    if name in {"errors", "failures"} or name.endswith("error_rate") or name.startswith("tool_share"):
        return percent(value)
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def seconds(value: float | None) -> str:
    """A duration given in seconds."""
    return NOTHING if value is None else duration(value * 1000)


def moment(value: datetime | None, zone: tzinfo, *, precise: bool = False) -> str:
    """Month, day and time in a zone; with milliseconds when `precise`."""
    if value is None:
        return NOTHING
    local = value.astimezone(zone)
    text = local.strftime("%m-%d %H:%M:%S")
    return f"{text}.{local.microsecond // 1000:03}" if precise else text


def day_minute(value: datetime, zone: tzinfo) -> str:
    """Month, day, hour and minute in a zone."""
    return value.astimezone(zone).strftime("%m-%d %H:%M")


def count(value: int) -> str:
    """A number with separators; `–` for none."""
    return f"{value:,}" if value else NOTHING


def percent(value: float | None) -> str:
    """A share, 0 to 1, in percent."""
    if value is None:
        return NOTHING
    if 0 < value < 0.001:
        return "<0.1%"
    return f"{value:.0%}" if value == 0 or value >= 0.1 else f"{value:.1%}"


def confidence(value: float | None) -> str:
    """A confidence, 0 to 1."""
    return NOTHING if value is None else f"{value:.2f}"


def error_name(error_type: str | None) -> str:
    """The class of an error without its module."""
    return (error_type or "").rpartition(".")[2]
