"""Token counts of a model call: from the provider's usage, or an estimate that says so."""

from __future__ import annotations

from syndarix_obs import vocabulary as v
from syndarix_obs.estimate import estimate_messages, estimate_text_of
from syndarix_obs.finished import FinishedSpan
from syndarix_obs.usage import service_tier_of, to_attributes, usage_from


class TokensStep:
    """Turns raw usage into the conventions' attributes, or estimates where a successful call reported none.
    """

    def __call__(self, span: FinishedSpan) -> None:
        """Complete the token attributes of a model call."""
        attributes = span.attributes
        if attributes.get(v.GEN_AI_OPERATION_NAME) not in v.LLM_OPERATIONS:
            return
        raw = span.payload.pop("usage", None)
        usage = None if raw is None else usage_from(attributes.get(v.GEN_AI_PROVIDER_NAME), raw)
        if usage is not None:
            attributes.update(to_attributes(usage))
            tier = service_tier_of(raw)
            if tier is not None:
                attributes.setdefault(v.SERVICE_TIER, tier)
        elif v.GEN_AI_USAGE_INPUT_TOKENS not in attributes and v.GEN_AI_USAGE_OUTPUT_TOKENS not in attributes:
            _estimate(span)


def _estimate(span: FinishedSpan) -> None:
    """An estimate needs text: a refused call has none worth counting, and no captured text is not zero
    tokens.
    """
    payload = span.payload
    if span.status != v.STATUS_OK or not (payload.get("input") or payload.get("output")):
        return
    prompt = estimate_messages(payload.get("input"))
    prompt += estimate_text_of(payload.get("system")) + estimate_text_of(payload.get("tools"))
    answer = 0
    if span.attributes.get(v.GEN_AI_OPERATION_NAME) != v.OPERATION_EMBEDDINGS:
        answer = estimate_messages(payload.get("output"))
    span.attributes[v.GEN_AI_USAGE_INPUT_TOKENS] = prompt
    span.attributes[v.GEN_AI_USAGE_OUTPUT_TOKENS] = answer
    span.attributes[v.COST_ESTIMATED] = True
