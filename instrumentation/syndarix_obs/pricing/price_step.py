"""Prices model calls: exact or unpriced, never a silent zero."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing import Price, PriceBook
from syndarix_obs.pricing.usage import TokenUsage, consistent, from_attributes, to_attributes
from syndarix_obs.records.finished import FinishedSpan

_log = logging.getLogger("syndarix_obs")
_MOST_NAMED: Final = 1000
_BATCH: Final = "batch"


class PriceStep:
    """Sets `span.price` and the cost attributes of spans that called a model.

    A span without token counts (a refused request, say) is neither priced nor unpriced.

    Args:
        book: the prices.
        shown: the masked form of a name, for our own log.
        on_unpriced: told provider and model of every call that has tokens but no price.
    """

    def __init__(
        self,
        book: PriceBook,
        on_unpriced: Callable[[str | None, str | None], None],
        shown: Callable[[str], str] = str,
    ) -> None:
        self._shown = shown
        self._book = book
        self._on_unpriced = on_unpriced
        self._named: set[tuple[str | None, str | None]] = set()

    def __call__(self, span: FinishedSpan) -> None:
        """Price one span."""
        attributes = span.attributes
        operation = attributes.get(v.GEN_AI_OPERATION_NAME)
        if not isinstance(operation, str) or operation not in v.LLM_OPERATIONS:
            return
        reported = from_attributes(attributes)
        if reported is None:
            return
        usage = consistent(reported)
        if usage is not reported:
            attributes.update(to_attributes(usage))
        price = self._price(attributes, usage, span.start_ns)
        span.price = price
        if price is None:
            attributes[v.PRICED] = False
            self._unpriced(attributes)
        else:
            attributes[v.PRICED] = True
            attributes[v.COST_USD] = float(price.total_usd)

    def _price(self, attributes: dict[str, Any], usage: TokenUsage, start_ns: int) -> Price | None:
        """By the model that answered; by the one that was asked for when nobody knows the other."""
        provider = _text(attributes.get(v.GEN_AI_PROVIDER_NAME))
        answered, asked = (
            _text(attributes.get(v.GEN_AI_RESPONSE_MODEL)),
            _text(attributes.get(v.GEN_AI_REQUEST_MODEL)),
        )
        tier = _text(attributes.get(v.SERVICE_TIER))
        at = datetime.fromtimestamp(start_ns // 1_000_000_000, UTC)
        for model in (answered, asked) if answered != asked else (asked,):
            if model:
                price = self._book.price(
                    provider=provider,
                    model=model,
                    usage=usage,
                    at=at,
                    service_tier=tier,
                    batch=tier == _BATCH,
                )
                if price is not None:
                    return price
        return None

    def _unpriced(self, attributes: dict[str, Any]) -> None:
        provider = _text(attributes.get(v.GEN_AI_PROVIDER_NAME))
        model = _text(attributes.get(v.GEN_AI_RESPONSE_MODEL)) or _text(attributes.get(v.GEN_AI_REQUEST_MODEL))
        self._on_unpriced(provider, model)
        if (provider, model) not in self._named and len(self._named) < _MOST_NAMED:
            self._named.add((provider, model))
            _log.warning(
                "syndarix-obs: no price is known for model %r of %r; its calls count as unpriced. "
                "Set SYNDARIX_OBS_PRICES_FILE to a file with its price, see examples/prices.yml.",
                None if model is None else self._shown(model),
                None if provider is None else self._shown(provider),
            )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
