"""What sums of tokens cost by the price list: for another model, another tier, or to hold a bill against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from syndarix_obs.pricing import Price, PriceBook
from syndarix_obs.pricing.usage import TokenUsage

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens in disjoint classes, as the ledger has them: `input` touched no cache, `output` is without reasoning."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def prompt(self) -> int:
        """The whole input."""
        return self.input + self.cache_read + self.cache_write

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            self.input + other.input, self.cache_read + other.cache_read, self.cache_write + other.cache_write,
            self.output + other.output, self.reasoning + other.reasoning,
        )  # fmt: skip

    def of(self, name: str) -> int:
        """Tokens of one class by name."""
        return int(getattr(self, name))

    def one_of(self, calls: int) -> TokenUsage:
        """The usual call of a sum, as the price list takes it: rounded up, so that no class vanishes."""
        parts = (self.input, self.cache_read, self.cache_write, self.output, self.reasoning)
        plain, read, write, spoken, reasoning = (-(-part // max(1, calls)) for part in parts)
        return TokenUsage(plain + read + write, spoken + reasoning, read, write, reasoning)


class Repricing:
    """Prices sums of calls by the price list that calls are priced with.

    A list bills a call by the size of its prompt, so a sum is priced at the rates of its usual call: exact where all
    its calls lie between the same two steps of the list (the ledger key `prompt_size` keeps them apart).

    Args:
        overrides: YAML file of dated prices that win over the price data.

    Raises:
        SettingsError: the file is missing or an entry is wrong.
    """

    def __init__(self, overrides: Path | None = None) -> None:
        self._book = PriceBook(overrides)

    def rates(
        self,
        model: str,
        usual: TokenUsage,
        at: datetime,
        *,
        provider: str | None = None,
        tier: str | None = None,
    ) -> Mapping[str, Decimal] | None:
        """Dollars per token of each class of `Counts`, and `call` for each call; None for a model without a price."""
        for whole in (_whole(usual), TokenUsage(max(1, usual.input))):  # what embeds has no price for an answer
            price = self._book.price(
                provider=provider, model=model, usage=whole, at=at, service_tier=tier, batch=tier == "batch"
            )
            if price is not None:
                return _rates(price, whole)
        return None

    def long_write(
        self, model: str, at: datetime, *, provider: str | None = None, tier: str | None = None
    ) -> Decimal | None:
        """Dollars per token that is written to a cache for an hour; None where it has no rate of its own."""
        short, long = (
            self._book.price(
                provider=provider, model=model, at=at, service_tier=tier, batch=tier == "batch",
                usage=TokenUsage(1000, 0, 0, 1000, 0, other),
            )
            for other in ({}, {"cache_write_1h_tokens": 1000})
        )  # fmt: skip
        return None if short is None or long is None or long.total_usd <= short.total_usd else long.total_usd / 1000

    def price(
        self,
        model: str,
        counts: Counts,
        calls: int,
        at: datetime,
        *,
        provider: str | None = None,
        tier: str | None = None,
    ) -> Decimal | None:
        """What a sum costs, in dollars; None for a model without a price."""
        rates = self.rates(model, counts.one_of(calls), at, provider=provider, tier=tier)
        return None if rates is None else amount(rates, counts, calls)


def amount(rates: Mapping[str, Decimal], counts: Counts, calls: int = 0) -> Decimal:
    """Dollars of some tokens at rates, and of some calls."""
    return sum(
        (
            rates["input"] * counts.input, rates["cache_read"] * counts.cache_read,
            rates["cache_write"] * counts.cache_write, rates["output"] * counts.output,
            rates["reasoning"] * counts.reasoning, rates["call"] * calls,
        ),
        ZERO,
    )  # fmt: skip


def _rates(price: Price, whole: TokenUsage) -> Mapping[str, Decimal]:
    """Each class's share of a price, by the token; a class without a rate of its own costs what holds it."""
    amounts, found = price.amounts, {"call": price.amounts.get("other", ZERO)}
    plain, spoken = whole.input, whole.output
    for name, count in (("cache_read", whole.cache_read), ("cache_write", whole.cache_write)):
        if name in amounts:
            found[name] = amounts[name] / count
            plain -= count
    if "reasoning" in amounts:
        found["reasoning"] = amounts["reasoning"] / whole.reasoning
        spoken -= whole.reasoning
    found["input"] = amounts.get("input", ZERO) / plain
    found["output"] = amounts.get("output", ZERO) / spoken if spoken else ZERO
    for name, general in (("cache_read", "input"), ("cache_write", "input"), ("reasoning", "output")):
        found.setdefault(name, found[general])
    return found


def _whole(usual: TokenUsage) -> TokenUsage:
    """The same call with a token in every class, so that each has a rate."""
    read, write, reasoning = max(1, usual.cache_read), max(1, usual.cache_write), max(1, usual.reasoning)
    plain = max(1, usual.input - usual.cache_read - usual.cache_write)
    spoken = max(1, usual.output - usual.reasoning)
    return TokenUsage(plain + read + write, spoken + reasoning, read, write, reasoning)
