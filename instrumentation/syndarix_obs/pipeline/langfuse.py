"""Spans of Langfuse's SDKs: model, usage, content and kind, which they tell under names of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pipeline.decode import decoded
from syndarix_obs.pricing.usage import count
from syndarix_obs.records.finished import FinishedSpan

_PREFIX: Final = "langfuse."
KIND: Final = "langfuse.observation.type"
_USAGE: Final = "langfuse.observation.usage_details"
_PARAMETERS: Final = "langfuse.observation.model.parameters"
_OPERATIONS: Final[Mapping[str, str]] = {
    "generation": v.OPERATION_CHAT, "embedding": v.OPERATION_EMBEDDINGS, "tool": v.OPERATION_EXECUTE_TOOL,
    "agent": v.OPERATION_INVOKE_AGENT, "retriever": v.OPERATION_RETRIEVAL,
}  # fmt: skip
_RENAMED: Final[Mapping[str, str]] = {
    "langfuse.observation.model.name": v.GEN_AI_REQUEST_MODEL, "langfuse.session.id": v.SESSION_ID,
    "langfuse.user.id": v.USER_ID,
}  # fmt: skip
_CONTENT: Final[Mapping[str, tuple[str, str]]] = {
    v.OPERATION_EXECUTE_TOOL: ("arguments", "result"), v.OPERATION_RETRIEVAL: ("query", "documents"),
}  # fmt: skip
_READS: Final = ("input_cached_tokens", "input_cache_read", "cache_read_input_tokens")
_WRITES: Final = ("input_cache_creation", "cache_creation_input_tokens")
_REASONING: Final = ("output_reasoning_tokens", "output_reasoning", "reasoning")
_REQUEST: Final = ("temperature", "max_tokens", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty")


def translate(span: FinishedSpan) -> None:
    """Translate one span in place; those of other libraries are left as they are."""
    a = span.attributes
    kind = str(a.get(KIND) or "").lower()
    if not kind:
        return
    operation = _OPERATIONS.get(kind)
    if operation is not None:
        a.setdefault(v.GEN_AI_OPERATION_NAME, operation)
    for old, new in _RENAMED.items():
        if a.get(old) is not None:
            a.setdefault(new, a[old])
    if kind in ("tool", "agent"):
        a.setdefault(v.GEN_AI_TOOL_NAME if kind == "tool" else v.GEN_AI_AGENT_NAME, span.name)
    into, out = _CONTENT.get(operation or "", ("input", "output"))
    for name, field in (("langfuse.observation.input", into), ("langfuse.observation.output", out)):
        if a.get(name) is not None:
            span.payload.setdefault(field, decoded(a[name]))
    _usage(span, decoded(a.get(_USAGE)))
    parameters = decoded(a.get(_PARAMETERS))
    for name in _REQUEST if isinstance(parameters, Mapping) else ():
        if isinstance(parameters.get(name), int | float):
            a.setdefault(f"gen_ai.request.{name}", parameters[name])
    for name in [name for name in a if name.startswith(_PREFIX) and name != KIND]:
        del a[name]


def _usage(span: FinishedSpan, told: Any) -> None:
    """Classes that do not overlap, or the provider's own usage, which is read as it comes."""
    if not isinstance(told, Mapping):
        return
    if "input" not in told and "output" not in told:
        span.payload.setdefault("usage", dict(told))
        return
    reads, writes, reasoning = (_first(told, names) for names in (_READS, _WRITES, _REASONING))
    plain, spoken, total = count(told.get("input")), count(told.get("output")), told.get("total")
    whole = total is not None and count(total) == plain + spoken  # then the classes are parts of the other two
    found = {
        v.GEN_AI_USAGE_INPUT_TOKENS: plain if whole else plain + reads + writes,
        v.GEN_AI_USAGE_OUTPUT_TOKENS: spoken if whole else spoken + reasoning,
        v.GEN_AI_USAGE_CACHE_READ_TOKENS: reads, v.GEN_AI_USAGE_CACHE_WRITE_TOKENS: writes,
        v.GEN_AI_USAGE_REASONING_TOKENS: reasoning,
    }  # fmt: skip
    for name, number in found.items():
        if number or name in (v.GEN_AI_USAGE_INPUT_TOKENS, v.GEN_AI_USAGE_OUTPUT_TOKENS):
            span.attributes.setdefault(name, number)


def _first(told: Mapping[str, Any], names: tuple[str, ...]) -> int:
    return next((count(told[name]) for name in names if told.get(name)), 0)
