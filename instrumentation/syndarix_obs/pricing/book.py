"""The price book: overrides first, then the price data, each resolved once per model, tier and day."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syndarix_obs.pricing import catalogue
from syndarix_obs.pricing.model_names import anybody_serves, resolutions
from syndarix_obs.pricing.overrides import Override, PricedAs, load, select
from syndarix_obs.pricing.providers import price_data_id
from syndarix_obs.pricing.rates import Price, Rates
from syndarix_obs.pricing.usage import TokenUsage

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot

_MOST_CACHED: Final = 4096
_Key = tuple[str | None, str, str | None, bool, int]
_Entry = Rates | catalogue.Listed | catalogue.OwnPrices | None


class PriceBook:
    """Prices calls. Not thread-safe; one worker uses it.

    Args:
        overrides: YAML file of dated prices that win over the price data.

    Raises:
        SettingsError: the file is missing or an entry is wrong; names file, entry, field, what is allowed, an
            example.
    """

    def __init__(self, overrides: Path | None = None) -> None:
        self._overrides: tuple[Override, ...] = () if overrides is None else load(overrides)
        self._cache: dict[_Key, _Entry] = {}
        self._data: DataSnapshot | None = None

    def price(
        self,
        *,
        provider: str | None,
        model: str | None,
        usage: TokenUsage,
        at: datetime,
        service_tier: str | None = None,
        batch: bool = False,
    ) -> Price | None:
        """What a call costs.

        Args:
            provider: GenAI provider name, `openai`, `aws.bedrock`, …; None when unknown, then the model
                decides.
            model: model that answered.
            usage: tokens of the call.
            at: when the call was made; naive times are UTC.
            service_tier: tier the provider says it used.
            batch: True for calls through a batch API.

        Returns:
            The price, or None when it is not known. A model that is free has a price of 0.
        """
        if not model:
            return None
        if at.tzinfo is not UTC:
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        self._follow_updates()
        key = (provider, model, service_tier, batch, at.toordinal())
        entry = self._cache[key] if key in self._cache else self._resolve(key, at)
        if entry is None:
            return None
        if not isinstance(entry, Rates):
            return entry.price(usage, at)
        if not catalogue.NEEDS_A_RATE.isdisjoint(usage.other):
            return None
        return entry.price(usage)

    def _resolve(self, key: _Key, at: datetime) -> _Entry:
        provider, model, tier, batch, _ = key
        provider_id = price_data_id(provider)
        tier = tier.lower() if tier else None
        entry = self._override(provider_id, model, tier, at)
        if entry is None and self._data is not None:
            entry = self._listed(provider, provider_id, model, tier, batch, at)
        if len(self._cache) >= _MOST_CACHED:
            self._cache.clear()
        self._cache[key] = entry
        return entry

    def overrides(self, provider: str | None, model: str | None, at: datetime, service_tier: str | None = None) -> bool:
        """Whether a price of the file holds for a call: it wins even over what the provider says itself."""
        tier = service_tier.lower() if service_tier else None
        return bool(model and self._overrides) and self._override(price_data_id(provider), model, tier, at) is not None

    def _override(self, provider_id: str | None, model: str | None, tier: str | None, at: datetime) -> _Entry:
        if not self._overrides or not model:
            return None
        for who, name in resolutions(provider_id, model):
            found = select(self._overrides, who, name, tier, at.date())
            if found is not None:
                entry = found.entry
                if isinstance(entry, PricedAs):
                    return self._resolve((None, entry.model, tier, tier == "batch", at.toordinal()), at)
                return entry
        return None

    def _listed(
        self, provider: str | None, provider_id: str | None, model: str, tier: str | None, batch: bool, at: datetime
    ) -> _Entry:
        """By the provider, where the price data knows it; by the model's own name where it does not.

        At a server that nobody knows, the name of open weights says nothing about who was paid.
        """
        data = self._data
        assert data is not None  # noqa: S101 - the caller looked
        known = provider_id if provider_id is None or catalogue.knows(data, provider_id) else None
        somewhere = known is None and (provider_id is not None or (provider or "").lower() == "unknown")
        for who, name in resolutions(known, model):
            if who is None and somewhere and anybody_serves(name):
                continue
            found = catalogue.listed(data, who, name, catalogue.context_of(who, tier, batch), at)
            if found is not None:
                return found
        return None

    def _follow_updates(self) -> None:
        """Forget what was resolved when the program has loaded newer price data."""
        data = catalogue.snapshot()
        if data is not self._data:
            self._data = data
            self._cache.clear()
