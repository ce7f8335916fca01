"""Why an answer is empty, and what to try: an unknown name, a time without records, filters that exclude each other."""

from __future__ import annotations

import difflib
from typing import Final

from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import NameSource
from syndarix_obs_read.timerange import SECOND_NS, TimeRange, to_datetime

_NAMED: Final = ("agent", "project", "user", "task_type", "model", "tool", "service", "environment", "decision_type")
_SHOWN: Final = 8
_ASKED: Final = 1_000

_ENCRYPTED: Final = (
    "texts of users who have a key (SYNDARIX_OBS_PAYLOAD_KEYS) are encrypted, and no search finds them: ask by user, "
    "session, agent or time, with payloads"
)
FILL: Final = (
    "nothing is recorded yet: run `syndarix-obs demo`, or an agent with ObservabilityPlatform.from_env() and the same "
    "SYNDARIX_OBS_HOME"
)
"""What to do about an empty store."""


async def why_empty(source: NameSource, where: Filter, period: TimeRange | None) -> tuple[str, ...]:
    """Causes of an empty answer and next steps, the likeliest first."""
    extent = await source.extent()
    if extent is None:
        return (FILL,)
    hints = [_ENCRYPTED] if where.text and getattr(source, "encrypted", False) else []
    hints += [hint for name in _NAMED if (hint := await _unknown_name(source, where, name))]
    if period is not None and (hint := _outside(period, *extent)):
        hints.append(hint)
    filters = where.named()
    if not hints and filters:
        named = ", ".join(f"{name}={value}" for name, value in filters.items())
        less = "one of them" if len(filters) > 1 else "it"
        hints.append(f"nothing fits {named}; leave {less} away, or look further back, for example since 30d")
    return tuple(hints) or ("nothing of this kind was recorded in that time; look further back, for example since 30d",)


async def _unknown_name(source: NameSource, where: Filter, name: str) -> str | None:
    value = getattr(where, name)
    if value is None:
        return None
    known = await source.names(name, _ASKED)
    if value in known:
        return None
    if not known:
        return f"no {name} is recorded at all"
    if nearest := difflib.get_close_matches(value, known, n=1):
        return f"no {name} is called {value!r}; did you mean {nearest[0]}?"
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return f"no {name} is called {value!r}; known: {', '.join(known[:_SHOWN])}{more}"


def _outside(period: TimeRange, first_ns: int, last_ns: int) -> str | None:
    if last_ns < period.since_ns:
        days = (period.until_ns - last_ns) // (86_400 * SECOND_NS) + 1
        return f"the newest record is of {_shown(last_ns)}, before that time; try since {days}d"
    if first_ns >= period.until_ns:
        return f"the oldest record is of {_shown(first_ns)}, after that time; try a later until"
    return None


def _shown(ns: int) -> str:
    return to_datetime(ns).strftime("%Y-%m-%d %H:%M UTC")
