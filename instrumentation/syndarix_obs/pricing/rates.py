"""A resolved price list: US dollars per token of each class, and what a usage costs by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from syndarix_obs.pricing.usage import TokenUsage

ZERO: Final = Decimal(0)
MILLION: Final = Decimal(1_000_000)


class Price(NamedTuple):
    """What one call costs, in exact US dollars.

    `amounts` splits the total by disjoint classes: `input` (without caches), `cache_read`, `cache_write`,
    `output` (without reasoning), `reasoning`, and `other` (fees per request, searches, audio where it cannot
    be told apart). A class whose tokens the price list does not set apart is part of `input` or `output`.
    Classes that cost nothing are left out. `cost_per_input_token` and `cost_per_output_token` are the plain
    rates that applied.
    """

    total_usd: Decimal
    amounts: Mapping[str, Decimal]
    cost_per_input_token: Decimal | None
    cost_per_output_token: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class Rates:
    """Dollars per token; None where the class has no price of its own and counts with the class that contains
    it.
    """

    input: Decimal | None
    output: Decimal | None
    cache_read: Decimal | None
    cache_write: Decimal | None
    reasoning: Decimal | None
    per_request: Decimal
    source: str
    not_by_token: bool = False
    """The model is priced by the hour, page or search: its tokens alone tell nothing, and are not free."""

    def price(self, usage: TokenUsage) -> Price | None:
        """The price of a usage; None when the list has no price for a class that was used, or parts exceed
        totals.
        """
        plain_input, plain_output, read, write, reasoning, _ = usage
        amounts: dict[str, Decimal] = {}
        if read and self.cache_read is not None:
            plain_input -= read
            amounts["cache_read"] = self.cache_read * read
        if write and self.cache_write is not None:
            plain_input -= write
            amounts["cache_write"] = self.cache_write * write
        if reasoning and self.reasoning is not None:
            plain_output -= reasoning
            amounts["reasoning"] = self.reasoning * reasoning
        if plain_input < 0 or plain_output < 0 or self.not_by_token:
            return None
        if plain_input and self.input is not None:
            amounts["input"] = self.input * plain_input
        if plain_output and self.output is not None:
            amounts["output"] = self.output * plain_output
        if self.per_request:
            amounts["other"] = self.per_request
        return Price(sum(amounts.values(), ZERO), amounts, self.input, self.output, self.source)
