"""How much of a provider's rate limit is left, from the headers of its answer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

_OPENAI: Final = "x-ratelimit-"
_ANTHROPIC: Final = "anthropic-ratelimit-"
LIMITS: Final = ("requests", "tokens", "input_tokens", "output_tokens")
"""Values of the `limit` label; other limits that a provider sends are left out."""


def ratios(headers: Mapping[str, str]) -> dict[str, float]:
    """Remaining share, 0 to 1, of each limit that the headers tell in full.

    Args:
        headers: of an HTTP response; names in any case. OpenAI's `x-ratelimit-{limit,remaining}-<what>` (also
            used by Azure, Groq, Together and others) and Anthropic's `anthropic-
            ratelimit-<what>-{limit,remaining}`.

    Returns:
        Limit (`LIMITS`) to ratio; empty when there is nothing to read. Garbage is left out, never raised.
    """
    found: dict[tuple[str, str], float] = {}
    for name, value in _pairs(headers):
        key = _limit_and_part(name)
        number = _number(value) if key is not None else None
        if key is not None and number is not None:
            found[key] = number
    result = {}
    for limit in LIMITS:
        total, left = found.get((limit, "limit")), found.get((limit, "remaining"))
        if total and left is not None:
            result[limit] = min(1.0, left / total)
    return result


def _pairs(headers: Mapping[str, str]) -> Iterable[tuple[str, object]]:
    try:
        return [(str(name).lower(), value) for name, value in headers.items()]
    except (AttributeError, TypeError, ValueError):
        return []


def _limit_and_part(name: str) -> tuple[str, str] | None:
    if name.startswith(_OPENAI):
        part, _, limit = name.removeprefix(_OPENAI).partition("-")
    elif name.startswith(_ANTHROPIC):
        limit, _, part = name.removeprefix(_ANTHROPIC).rpartition("-")
    else:
        return None
    return limit.replace("-", "_"), part


def _number(value: object) -> float | None:
    """A count that is finite and not negative, else None."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
