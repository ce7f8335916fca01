"""The prices of `genai-prices`, resolved once per model and day.

Its `calc_price` is exact and general, and takes about as long as the rest of recording a call. Most prices
are plain: a rate per token class, perhaps with steps by prompt size. Those are resolved to `Rates` that can
be kept for a day. Everything else (prices by time of day, audio, images, searches, one-hour cache writes)
goes through `calc_price` itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from syndarix_obs.pricing.fees import fee
from syndarix_obs.pricing.rates import MILLION, ZERO, Price, Rates
from syndarix_obs.pricing.usage import TokenUsage

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, PriceCalculation, Provider

Steps = tuple[tuple[int, Rates], ...]
"""Rates by prompt size, largest first: the first whose start is below the input tokens applies."""

_BASE: Final = -1


def snapshot() -> DataSnapshot:
    """The price data in force; loaded at the first call (some 100 ms), never at import of this package."""
    from genai_prices.data_snapshot import get_snapshot

    return get_snapshot()


def context_of(provider_id: str | None, tier: str | None, batch: bool) -> dict[str, str]:
    """The request context that selects price variants: service tier, batch processing, Anthropic's fast mode."""
    context = {"processing": "batch"} if batch or tier == "batch" else {}
    if tier == "fast" and provider_id == "anthropic":
        context["speed"] = "fast"
    elif tier:
        context["service_tier"] = tier
    return context


@dataclass(frozen=True, slots=True)
class Listed:
    """A model that the price data knows. `steps` is None when its price is not a plain one."""

    provider: Provider
    model: ModelInfo
    context: Mapping[str, str]
    steps: Steps | None
    factor: Decimal | None = None
    """What tokens cost of the listed price where the list has none for batches: half."""

    def price(self, usage: TokenUsage, at: datetime) -> Price | None:
        """The price of a usage on the day that this was resolved for."""
        found = self._price(usage, at)
        return found if found is None or self.factor is None else times(found, self.factor)

    def _price(self, usage: TokenUsage, at: datetime) -> Price | None:
        if usage.other:
            return _with_fees(self, usage, at)
        if self.steps is None:
            return full_price(self, usage, at)
        for start, rates in self.steps:
            if usage.input > start:
                return rates.price(usage)
        return None


def listed(
    data: DataSnapshot, provider_id: str | None, model: str, context: Mapping[str, str], at: datetime
) -> Listed | None:
    """What the price data says about a model on the UTC day of `at`; None when it does not know it."""
    try:
        provider, known = data.find_provider_model(model, None, provider_id, None)
    except LookupError:
        return None
    factor = _HALF if _is_batch(context) and not _lists_batch(provider, known, at, context) else None
    return Listed(provider, known, context, _steps(provider, known, at, context), factor)


_HALF: Final = Decimal("0.5")
_BATCHES_AT_HALF: Final = frozenset({"openai", "anthropic"})


def _is_batch(context: Mapping[str, str]) -> bool:
    return context.get("processing") == "batch"


def _lists_batch(provider: Provider, model: ModelInfo, at: datetime, context: Mapping[str, str]) -> bool:
    """Whether the list has a price for batches, or the provider none: both of these bill half for every model."""
    if provider.id not in _BATCHES_AT_HALF:
        return True
    return bool(model.get_prices(at, context).__dict__ != model.get_prices(at, None).__dict__)


def knows(data: DataSnapshot, provider_id: str) -> bool:
    """Whether the price data has prices of a provider."""
    try:
        data.find_provider(None, provider_id, None)
    except LookupError:
        return False
    return True


def _steps(provider: Provider, model: ModelInfo, at: datetime, context: Mapping[str, str]) -> Steps | None:
    if _depends_on_time_of_day(model):
        return None
    # `calc_price` leaves variants aside when the model is priced as another provider's; the same here.
    own = any(model is candidate for candidate in provider.models)
    prices = model.get_prices(at, context if own else None)
    tiered = (value for value in prices.__dict__.values() if value is not None)
    starts = {tier.start for value in tiered for tier in getattr(value, "tiers", ())}
    return tuple((start, _rates(prices, start)) for start in sorted({_BASE, *starts}, reverse=True))


def _depends_on_time_of_day(model: ModelInfo) -> bool:
    from genai_prices.types import TimeOfDateConstraint

    dated: list[Any] = [*(model.price_variants or ())]
    if isinstance(model.prices, list):
        dated += model.prices
    return any(isinstance(entry.constraint, TimeOfDateConstraint) for entry in dated)


def _rates(prices: ModelPrice, above: int) -> Rates:
    def per_token(name: str) -> Decimal | None:
        per_million = _at_size(getattr(prices, name), above)
        return None if per_million is None else per_million / MILLION

    per_thousand = _at_size(prices.requests_kcount, above)
    return Rates(
        input=per_token("input_mtok"),
        output=per_token("output_mtok"),
        cache_read=per_token("cache_read_mtok"),
        cache_write=per_token("cache_write_mtok"),
        reasoning=per_token("output_reasoning_mtok"),
        per_request=ZERO if per_thousand is None else per_thousand / 1000,
        source=source(),
        not_by_token=_not_by_token(prices),
    )


def _at_size(value: Any, above: int) -> Decimal | None:
    """The price for prompts larger than `above` tokens."""
    if value is None or isinstance(value, Decimal):
        return value
    best: Decimal = value.base
    for tier in value.tiers:
        if tier.start <= above:
            best = tier.price
    return best


@cache
def source() -> str:
    """Name and version of the price data."""
    import genai_prices

    return f"genai-prices {genai_prices.__version__}"


NEEDS_A_RATE: Final = frozenset(
    {
        "input_audio_tokens", "output_audio_tokens", "output_image_tokens", "web_searches", "storage_searches",
        "social_searches", "code_executions", "audio_seconds", "input_characters",
    }
)  # fmt: skip
"""Classes that no list bills at the rate of text: without a rate of their own the call is unpriced."""
_FEES: Final = frozenset({"web_searches", "storage_searches", "social_searches", "code_executions"})
_SAME_AS_TEXT: Final = ("google", "openrouter", "azure", "aws")
"""Providers whose lists leave a class out where it costs what text costs."""
_IMAGE_OUTPUT_IS_OUTPUT: Final = ("gpt-image", "chatgpt-image")


def _with_fees(listed: Listed, usage: TokenUsage, at: datetime) -> Price | None:
    """The price of a usage with classes beside text: those that the model's list lacks are fees, or unpriced."""
    prices = listed.model.get_prices(at, listed.context or None)
    other, fees = dict(usage.other), ZERO
    for name in NEEDS_A_RATE.intersection(other):
        if rate_name(name) in _named(prices) or _as_text(listed, name):
            continue
        each = fee(listed.provider.id, name, at.date()) if name in _FEES else None
        if each is None:
            return None
        fees += each * other.pop(name)
    found = full_price(listed, usage._replace(other=other), at)
    return found if found is None or not fees else plus(found, fees)


def _as_text(listed: Listed, name: str) -> bool:
    if name in _FEES or name in ("audio_seconds", "input_characters"):
        return False
    if name == "output_image_tokens" and listed.model.id.startswith(_IMAGE_OUTPUT_IS_OUTPUT):
        return True
    return listed.provider.id in _SAME_AS_TEXT


def times(price: Price, factor: Decimal) -> Price:
    """Tokens at a factor of their price; fees for tools stay what they are."""
    fees = price.amounts.get("other", ZERO)
    amounts = {name: amount if name == "other" else amount * factor for name, amount in price.amounts.items()}
    rates = [None if rate is None else rate * factor for rate in price[2:4]]
    return Price((price.total_usd - fees) * factor + fees, amounts, rates[0], rates[1], price.source)


def plus(price: Price, fees: Decimal) -> Price:
    """A price with fees on top."""
    amounts = {**price.amounts, "other": price.amounts.get("other", ZERO) + fees}
    return price._replace(total_usd=price.total_usd + fees, amounts=amounts)


def _named(prices: ModelPrice) -> frozenset[str]:
    return frozenset(name for name, value in prices.__dict__.items() if value is not None)


@cache
def rate_name(usage_name: str) -> str:
    """The price data's name of the rate for a class of usage: `web_searches` → `web_searches_kcount`."""
    from genai_prices.units import _get_registry

    unit = _get_registry().units.get(usage_name)
    return str(getattr(unit, "price_key", ""))


@dataclass(frozen=True, slots=True)
class OwnPrices:
    """A list from the prices file with classes beside text; rates under the price data's names."""

    rates: Mapping[str, Decimal]
    source: str

    def price(self, usage: TokenUsage, _at: datetime) -> Price | None:
        """The price of a usage; None when a class that was used has no rate, or the usage contradicts itself."""
        from genai_prices.types import ModelPrice

        if any(rate_name(name) not in self.rates for name in NEEDS_A_RATE.intersection(usage.other)):
            return None
        try:
            found = ModelPrice(**self.rates).calc_price(_usage(usage))
        except (ValueError, ArithmeticError):
            return None
        total, inputs, outputs = found["total_price"], found["input_price"], found["output_price"]
        amounts = {"input": inputs, "output": outputs, "other": total - inputs - outputs}
        per_token = [None if rate is None else rate / MILLION for rate in map(self.rates.get, _TEXT_RATES)]
        return Price(total, {k: a for k, a in amounts.items() if a}, per_token[0], per_token[1], self.source)


_TEXT_RATES: Final = ("input_mtok", "output_mtok")


def full_price(listed: Listed, usage: TokenUsage, at: datetime) -> Price | None:
    """The price by `genai-prices` itself; None when the usage contradicts itself or nothing in it has a
    price.
    """
    try:
        calculated = listed.model.calc_price(
            _usage(usage), listed.provider, genai_request_timestamp=at, price_context=listed.context or None
        )
    except (ValueError, ArithmeticError):
        return None
    if not calculated.total_price and _not_by_token(calculated.model_price):
        return None
    return _as_price(calculated, usage)


def _usage(usage: TokenUsage) -> Any:
    from genai_prices import Usage

    return Usage(
        input_tokens=usage.input,
        output_tokens=usage.output,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        output_reasoning_tokens=usage.reasoning,
        **usage.other,
    )


def _not_by_token(prices: ModelPrice) -> bool:
    """Whether there is a price, but none that tokens could cost. The price data lists free models without any."""
    named = {name for name, value in prices.__dict__.items() if value is not None}
    return bool(named) and named.isdisjoint(("input_mtok", "output_mtok", "requests_kcount"))


def _as_price(calculated: PriceCalculation, usage: TokenUsage) -> Price:
    total, inputs, outputs = calculated.total_price, calculated.input_price, calculated.output_price
    amounts = {"input": inputs, "output": outputs, "other": total - inputs - outputs}
    rates = _rates(calculated.model_price, max(_BASE, usage.input - 1))
    return Price(
        total,
        {name: amount for name, amount in amounts.items() if amount},
        rates.input,
        rates.output,
        source(),
    )
