"""Prices model calls: exact or unpriced, never a silent zero."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing import Price, PriceBook
from syndarix_obs.pricing.catalogue import times
from syndarix_obs.pricing.rates import ZERO
from syndarix_obs.pricing.usage import TokenUsage, consistent, from_attributes, to_attributes, units_from
from syndarix_obs.records.finished import FinishedSpan

_log = logging.getLogger("syndarix_obs")
_MOST_NAMED: Final = 1000
_BATCH: Final = "batch"
_ONE: Final = Decimal(1)
_GEOGRAPHY: Final = {"us": Decimal("1.1")}
"""What Anthropic bills tokens with when a call is kept in a region (docs.claude.com, pricing; checked 2026-11-28)."""
_OF_THE_ANSWER: Final = frozenset({"web_searches", "storage_searches", "social_searches", "code_executions"})


class PriceStep:
    """Sets `span.price` and the cost attributes of spans that called a model.

    A span without token counts (a refused request, say) is neither priced nor unpriced.

    Args:
        book: the prices.
        shown: the masked form of a name, for our own log.
    """

    def __init__(self, book: PriceBook, shown: Callable[[str], str] = str) -> None:
        self._shown = shown
        self._book = book
        self._named: set[tuple[str | None, str | None]] = set()

    def __call__(self, span: FinishedSpan) -> None:
        """Price one span."""
        attributes = span.attributes
        operation = attributes.get(v.GEN_AI_OPERATION_NAME)
        if not isinstance(operation, str) or operation not in v.LLM_OPERATIONS:
            return
        reported = from_attributes(attributes)
        if reported is None:
            if operation != v.OPERATION_GENERATE_CONTENT or span.status == v.STATUS_ERROR:
                return
            reported = TokenUsage(other=units_from(attributes))  # billed by something else than tokens
            if not reported.other:
                self._unpriced(attributes)
                return
        usage = consistent(reported)
        if usage is not reported:
            attributes.update(to_attributes(usage))
        price = self._price(span, usage)
        span.price = price
        if price is None:
            attributes[v.PRICED] = False
            self._unpriced(attributes)
        else:
            attributes[v.PRICED] = True
            attributes[v.COST_USD] = float(price.total_usd)

    def _price(self, span: FinishedSpan, usage: TokenUsage) -> Price | None:
        """By the model that answered; by the one that was asked for when nobody knows the other."""
        attributes = span.attributes
        answered = _text(attributes.get(v.GEN_AI_RESPONSE_MODEL))
        asked = _text(attributes.get(v.GEN_AI_REQUEST_MODEL))
        told = attributes.get(v.COST_REPORTED)
        if told is not None and not self._contract(span, answered or asked):
            return Price(Decimal(told), {"other": Decimal(told)}, None, None, "the provider's own answer")
        for model in (answered, asked) if answered != asked else (asked,):
            if model:
                price = self._of_passes(span, model, usage) if span.passes else self._of(span, model, usage)
                if price is not None:
                    return price
        return None

    def _contract(self, span: FinishedSpan, model: str | None) -> bool:
        a = span.attributes
        tier = _text(a.get(v.SERVICE_TIER))
        return self._book.overrides(_text(a.get(v.GEN_AI_PROVIDER_NAME)), model, _time(span), tier)

    def _of(self, span: FinishedSpan, model: str, usage: TokenUsage) -> Price | None:
        attributes = span.attributes
        tier = _text(attributes.get(v.SERVICE_TIER))
        price = self._book.price(
            provider=_text(attributes.get(v.GEN_AI_PROVIDER_NAME)),
            model=model,
            usage=usage,
            at=_time(span),
            service_tier=tier,
            batch=tier == _BATCH,
        )
        if price is None or attributes.get(v.INFERENCE_GEO) is None:
            return price
        return times(price, _GEOGRAPHY.get(str(attributes[v.INFERENCE_GEO]), _ONE))

    def _of_passes(self, span: FinishedSpan, model: str, usage: TokenUsage) -> Price | None:
        """Each pass by its own size and model; what is counted for the whole answer (searches) with the last."""
        total: Price | None = None
        fees = {name: number for name, number in usage.other.items() if name in _OF_THE_ANSWER}
        for number, (own_model, part) in enumerate(span.passes, start=1):
            if number == len(span.passes) and fees:
                part = part._replace(other={**part.other, **fees})
            price = self._of(span, own_model or model, part)
            if price is None:
                return None
            total = price if total is None else _sum(total, price)
        return total

    def _unpriced(self, attributes: dict[str, Any]) -> None:
        provider = _text(attributes.get(v.GEN_AI_PROVIDER_NAME))
        model = _text(attributes.get(v.GEN_AI_RESPONSE_MODEL)) or _text(attributes.get(v.GEN_AI_REQUEST_MODEL))
        if (provider, model) not in self._named and len(self._named) < _MOST_NAMED:
            self._named.add((provider, model))
            _log.warning(
                "syndarix-obs: no price is known for model %r of %r; its calls count as unpriced. "
                "Set SYNDARIX_OBS_PRICES_FILE to a file with its price, see examples/prices.yml.",
                None if model is None else self._shown(model),
                None if provider is None else self._shown(provider),
            )


def _time(span: FinishedSpan) -> datetime:
    return datetime.fromtimestamp(span.start_ns // 1_000_000_000, UTC)


def _sum(one: Price, other: Price) -> Price:
    names = {**one.amounts, **other.amounts}
    amounts = {name: one.amounts.get(name, ZERO) + other.amounts.get(name, ZERO) for name in names}
    return one._replace(total_usd=one.total_usd + other.total_usd, amounts=amounts)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
