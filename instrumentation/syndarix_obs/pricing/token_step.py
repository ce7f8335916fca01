"""Token counts of a model call: from the provider's usage, or an estimate that says so."""

from __future__ import annotations

from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing.estimate import estimate_messages, estimate_text_of
from syndarix_obs.pricing.usage import (
    count,
    geography_of,
    passes_of,
    reported_cost,
    service_tier_of,
    to_attributes,
    usage_from,
)
from syndarix_obs.records.finished import FinishedSpan

OWN_SCOPE: Final = "syndarix_obs"
"""Instrumentation scope of our own API and integrations."""
PARTIAL: Final = "partial"
"""Payload field: True when the usage stands for the beginning of an answer only."""
UNMETERED: Final = "unmetered"
"""Payload field: True when the endpoint bills by something else than the tokens of its texts."""


class TokensStep:
    """Turns raw usage into the conventions' attributes, or estimates where a call that was answered reported none."""

    def __call__(self, span: FinishedSpan) -> None:
        """Complete the token attributes of a model call."""
        attributes = span.attributes
        operation = attributes.get(v.GEN_AI_OPERATION_NAME)
        if not isinstance(operation, str) or operation not in v.LLM_OPERATIONS:
            return
        payload = span.payload
        raw = payload.pop("usage", None)
        partial, unmetered = payload.pop(PARTIAL, False), payload.pop(UNMETERED, False)
        provider = attributes.get(v.GEN_AI_PROVIDER_NAME)
        usage = usage_from(provider, raw)
        if usage is not None:
            attributes.update(to_attributes(usage))
            _extras(span, provider, raw)
            if partial:
                _estimate_output(span)
        elif v.GEN_AI_USAGE_INPUT_TOKENS not in attributes and not unmetered and _was_answered(span):
            _estimate(span)


def _extras(span: FinishedSpan, provider: Any, raw: Any) -> None:
    """What a usage says beside its totals."""
    attributes = span.attributes
    tier, cost, geography = service_tier_of(raw), reported_cost(provider, raw), geography_of(raw)
    if tier is not None:
        attributes.setdefault(v.SERVICE_TIER, tier)
    if cost is not None:
        attributes[v.COST_REPORTED] = str(cost)
    if geography is not None:
        attributes[v.INFERENCE_GEO] = geography
    iterations = raw.get("iterations") if type(raw) is dict else getattr(raw, "iterations", None)
    if iterations:
        span.passes = tuple(passes_of(iterations))


def _was_answered(span: FinishedSpan) -> bool:
    """A refused request costs nothing, but a stream of ours that broke off is billed for what it sent.

    What a library puts into the output of a failed call may be the refusal itself.
    """
    return span.status == v.STATUS_OK or (span.scope[0] == OWN_SCOPE and bool(span.payload.get("output")))


def _estimate(span: FinishedSpan) -> None:
    payload = span.payload
    if not (payload.get("input") or payload.get("output")):
        return  # text that was not captured is not zero tokens, and its price not zero dollars
    fixed = estimate_text_of(payload.get("system")) + estimate_text_of(payload.get("tools"))
    span.attributes[v.GEN_AI_USAGE_INPUT_TOKENS] = fixed + estimate_messages(payload.get("input"))
    span.attributes[v.GEN_AI_USAGE_OUTPUT_TOKENS] = estimate_text_of(payload.get("output"))
    span.attributes[v.COST_ESTIMATED] = True


def _estimate_output(span: FinishedSpan) -> None:
    """An answer that was left early: the provider told its input, and what came of its output is seen."""
    seen = estimate_text_of(span.payload.get("output"))
    told = count(span.attributes.get(v.GEN_AI_USAGE_OUTPUT_TOKENS))
    span.attributes[v.GEN_AI_USAGE_OUTPUT_TOKENS] = max(seen, told)
    span.attributes[v.COST_ESTIMATED] = True
