"""What a provider says about a month: tokens and dollars by UTC day, in one shape whatever they were read from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, Literal, Protocol

Provider = Literal["openai", "anthropic"]
PROVIDERS: Final[tuple[Provider, ...]] = ("openai", "anthropic")
"""Whose bills can be read."""

CLASSES: Final = ("input", "cache_read", "cache_write", "output")
"""Disjoint classes of tokens that providers bill: `input` touched no cache, `output` includes reasoning."""

STANDARD, BATCH = "standard", "batch"
_PLAIN_TIERS: Final = frozenset({"", "default", "auto", "standard", "on_demand", "none", "null"})


def tier_of(name: str | None) -> str:
    """A service tier as both sides say it: everything that means the usual one is `standard`."""
    plain = (name or "").strip().lower().replace("-", "_").replace(" ", "_")
    return STANDARD if plain in _PLAIN_TIERS else plain


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLine:
    """Tokens of one UTC day, model, tier, project and key. `tokens` is by `CLASSES`."""

    day: date
    model: str
    tokens: Mapping[str, int]
    tier: str = STANDARD
    project: str | None = None
    key: str | None = None
    requests: int | None = None
    searches: int = 0
    """Searches of the web that are billed beside the tokens."""
    long_writes: int = 0
    """Part of `cache_write` that is kept for an hour, which costs more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """Dollars of one UTC day and one item of the bill. Without a model it is a fee, a credit or a tax."""

    day: date
    usd: Decimal
    item: str
    model: str | None = None
    token_class: str | None = None
    tier: str | None = None
    """None where the bill does not tell tiers apart."""
    project: str | None = None
    key: str | None = None
    quantity: int | None = None
    """Tokens, where the item says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a provider says about some days.

    `usage` is empty where a source has dollars only, and `costs` where it has tokens only. `utc` is False for a source
    that does not say in which zone its days begin.
    """

    provider: Provider
    source: str
    usage: tuple[UsageLine, ...] = ()
    costs: tuple[CostLine, ...] = ()
    utc: bool = True
    remarks: tuple[str, ...] = ()

    @property
    def by_key(self) -> bool:
        """Whether dollars are told by key."""
        return any(line.key for line in self.costs)


class BillSource(Protocol):
    """Where a bill is read."""

    async def read(self, first: date, end: date) -> Bill:
        """The bill of the UTC days from `first` up to but without `end`.

        Raises:
            ReadError: it cannot be had; the message says what is missing and where to get it.
        """
        ...


Tokens = Counter[str]
"""Tokens by class; differences may be below zero."""


@dataclass(slots=True)
class Sums:
    """Tokens by tier and class, of one cell."""

    tokens: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, tier: str, tokens: Mapping[str, int], sign: int = 1) -> None:
        """Take tokens of a tier."""
        for name, count in tokens.items():
            self.tokens[tier, name] += sign * count

    def by_class(self) -> Tokens:
        """Whatever the tier."""
        found: Tokens = Counter()
        for (_, name), count in self.tokens.items():
            found[name] += count
        return found

    def by_tier(self) -> dict[str, Tokens]:
        """By tier, each by class."""
        found: dict[str, Tokens] = {}
        for (tier, name), count in self.tokens.items():
            found.setdefault(tier, Counter())[name] += count
        return found
