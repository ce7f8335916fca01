"""Token counts of a model call: from the provider's usage, or an estimate that says so."""

from __future__ import annotations

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing.estimate import estimate_messages, estimate_text_of
from syndarix_obs.pricing.usage import service_tier_of, to_attributes, usage_from
from syndarix_obs.records.finished import FinishedSpan


class TokensStep:
    """Turns raw usage into the conventions' attributes, or estimates where a call that was answered reported none."""

    def __call__(self, span: FinishedSpan) -> None:
        """Complete the token attributes of a model call."""
        attributes = span.attributes
        operation = attributes.get(v.GEN_AI_OPERATION_NAME)
        if not isinstance(operation, str) or operation not in v.LLM_OPERATIONS:
            return
        raw = span.payload.pop("usage", None)
        usage = usage_from(attributes.get(v.GEN_AI_PROVIDER_NAME), raw)
        if usage is not None:
            attributes.update(to_attributes(usage))
            tier = service_tier_of(raw)
            if tier is not None:
                attributes.setdefault(v.SERVICE_TIER, tier)
        elif v.GEN_AI_USAGE_INPUT_TOKENS not in attributes and _was_answered(span):
            _estimate(span)


def _was_answered(span: FinishedSpan) -> bool:
    """A refused request costs nothing, but a stream that broke off is billed for what it sent."""
    return span.status == v.STATUS_OK or bool(span.payload.get("output"))


def _estimate(span: FinishedSpan) -> None:
    payload = span.payload
    if not (payload.get("input") or payload.get("output")):
        return  # text that was not captured is not zero tokens, and its price not zero dollars
    fixed = estimate_text_of(payload.get("system")) + estimate_text_of(payload.get("tools"))
    span.attributes[v.GEN_AI_USAGE_INPUT_TOKENS] = fixed + estimate_messages(payload.get("input"))
    span.attributes[v.GEN_AI_USAGE_OUTPUT_TOKENS] = estimate_text_of(payload.get("output"))
    span.attributes[v.COST_ESTIMATED] = True
