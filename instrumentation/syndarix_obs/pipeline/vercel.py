"""Spans of Vercel's AI SDK: the classes of tokens, tools, content and sessions that it tells under names of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pipeline.decode import decoded
from syndarix_obs.records.finished import FinishedSpan

SCOPE: Final = "ai"
_OPERATION: Final = "ai.operationId"
_MILLISECONDS: Final = 1000.0
_FIRST_CHUNK: Final = "ai.response.msToFirstChunk"

_RENAMED: Final[Mapping[str, str]] = {
    "ai.usage.cachedInputTokens": v.GEN_AI_USAGE_CACHE_READ_TOKENS,
    "ai.usage.inputTokenDetails.cacheReadTokens": v.GEN_AI_USAGE_CACHE_READ_TOKENS,
    "ai.usage.inputTokenDetails.cacheWriteTokens": v.GEN_AI_USAGE_CACHE_WRITE_TOKENS,
    "ai.usage.reasoningTokens": v.GEN_AI_USAGE_REASONING_TOKENS,
    "ai.usage.outputTokenDetails.reasoningTokens": v.GEN_AI_USAGE_REASONING_TOKENS,
    "ai.telemetry.metadata.sessionId": v.SESSION_ID,
    "ai.telemetry.metadata.userId": v.USER_ID,
    "ai.toolCall.name": v.GEN_AI_TOOL_NAME,
    "ai.toolCall.id": v.GEN_AI_TOOL_CALL_ID,
}
_CONTENT: Final[Mapping[str, str]] = {
    "ai.prompt.messages": "input", "ai.prompt": "input", "ai.response.text": "output", "ai.toolCall.args": "arguments",
    "ai.toolCall.result": "result", "ai.prompt.tools": "tools",
}  # fmt: skip
_PROVIDERS: Final[Mapping[str, str]] = {
    "google": "gcp.gemini", "google.vertex": "gcp.vertex_ai", "amazon-bedrock": "aws.bedrock",
    "azure-openai": "azure.ai.openai", "mistral": "mistral_ai", "xai": "x_ai",
}  # fmt: skip


def translate(span: FinishedSpan) -> None:
    """Translate one span in place; those of other libraries are left as they are."""
    a = span.attributes
    operation = a.get(_OPERATION)
    if span.scope[0] != SCOPE or not isinstance(operation, str):
        return
    is_call = operation.endswith((".doGenerate", ".doStream", ".doEmbed"))
    for old, new in _RENAMED.items():
        if (is_call or ".usage." not in old) and a.get(old) is not None:
            a.setdefault(new, a[old])
    for old, field in _CONTENT.items():
        if a.get(old) is not None:
            span.payload.setdefault(field, _text(decoded(a[old])))
    if a.get("ai.response.toolCalls") is not None:
        span.payload["output"] = [{"role": "assistant", "tool_calls": decoded(a["ai.response.toolCalls"])}]
    _name(span, operation, is_call)
    for name in [name for name in a if name.startswith("ai.")]:
        del a[name]


def _text(value: object) -> object:
    """A text that the SDK has put into quotes, without them."""
    quoted = isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"'
    try:
        return json.loads(value) if quoted and isinstance(value, str) else value
    except ValueError:
        return value


def _name(span: FinishedSpan, operation: str, is_call: bool) -> None:
    """What the span is: a call of a model, a tool, or the run around them."""
    a = span.attributes
    if is_call:
        embeds = operation.endswith(".doEmbed")
        a[v.GEN_AI_OPERATION_NAME] = v.OPERATION_EMBEDDINGS if embeds else v.OPERATION_CHAT
        a.setdefault(v.GEN_AI_REQUEST_MODEL, a.get("ai.model.id"))
        if embeds:
            a.setdefault(v.GEN_AI_USAGE_INPUT_TOKENS, a.get("ai.usage.tokens"))
        a[v.GEN_AI_PROVIDER_NAME] = _provider(str(a.pop("gen_ai.system", None) or a.get("ai.model.provider") or ""))
        first = a.get(_FIRST_CHUNK)
        if isinstance(first, int | float):
            a[v.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] = first / _MILLISECONDS
        if operation.endswith(".doStream"):
            a[v.GEN_AI_REQUEST_STREAM] = True
    elif operation == "ai.toolCall":
        a[v.GEN_AI_OPERATION_NAME] = v.OPERATION_EXECUTE_TOOL
    elif a.get("ai.telemetry.functionId"):
        a[v.GEN_AI_OPERATION_NAME] = v.OPERATION_INVOKE_AGENT
        a[v.GEN_AI_AGENT_NAME] = str(a["ai.telemetry.functionId"])


def _provider(told: str) -> str:
    """`openai.chat` is the provider and its kind of endpoint."""
    for name in (told.rpartition(".")[0], told.partition(".")[0]):
        if name in _PROVIDERS:
            return _PROVIDERS[name]
    return told.partition(".")[0] or "unknown"
