"""Old and foreign attribute names, and what each is called in the GenAI conventions.

Read, never written: older GenAI conventions, Traceloop's OpenLLMetry, Arize's OpenInference, OpenLIT.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from syndarix_obs import vocabulary as v

RENAMED: Final[Mapping[str, str]] = {
    # older GenAI conventions
    "gen_ai.system": v.GEN_AI_PROVIDER_NAME,
    "gen_ai.usage.prompt_tokens": v.GEN_AI_USAGE_INPUT_TOKENS,
    "gen_ai.usage.completion_tokens": v.GEN_AI_USAGE_OUTPUT_TOKENS,
    "gen_ai.usage.cache_creation.input_tokens": v.GEN_AI_USAGE_CACHE_WRITE_TOKENS,
    "gen_ai.usage.cache_creation_input_tokens": v.GEN_AI_USAGE_CACHE_WRITE_TOKENS,
    "gen_ai.usage.cache_read_input_tokens": v.GEN_AI_USAGE_CACHE_READ_TOKENS,
    "gen_ai.usage.cache_write_input_tokens": v.GEN_AI_USAGE_CACHE_WRITE_TOKENS,
    "gen_ai.usage.cache_read_tokens": v.GEN_AI_USAGE_CACHE_READ_TOKENS,
    "gen_ai.usage.cache_write_tokens": v.GEN_AI_USAGE_CACHE_WRITE_TOKENS,
    "gen_ai.usage.cache_creation_tokens": v.GEN_AI_USAGE_CACHE_WRITE_TOKENS,
    "gen_ai.usage.input_tokens.cached": v.GEN_AI_USAGE_CACHE_READ_TOKENS,
    "gen_ai.usage.details.cache_read_tokens": v.GEN_AI_USAGE_CACHE_READ_TOKENS,
    "gen_ai.usage.details.cache_write_tokens": v.GEN_AI_USAGE_CACHE_WRITE_TOKENS,
    "gen_ai.usage.details.reasoning_tokens": v.GEN_AI_USAGE_REASONING_TOKENS,
    "gen_ai.usage.output_tokens.reasoning": v.GEN_AI_USAGE_REASONING_TOKENS,
    "gen_ai.usage.reasoning_output_tokens": v.GEN_AI_USAGE_REASONING_TOKENS,
    "gen_ai.usage.reasoning_tokens": v.GEN_AI_USAGE_REASONING_TOKENS,
    "gen_ai.response.finish_reason": v.GEN_AI_RESPONSE_FINISH_REASONS,
    "gen_ai.openai.response.service_tier": v.SERVICE_TIER,
    "openai.response.service_tier": v.SERVICE_TIER,
    "gen_ai.request.is_stream": v.GEN_AI_REQUEST_STREAM,
    "gen_ai.memory.store.name": v.GEN_AI_MEMORY_STORE,
    "gen_ai.is_streaming": v.GEN_AI_REQUEST_STREAM,
    # Traceloop
    "llm.frequency_penalty": v.GEN_AI_REQUEST_FREQUENCY_PENALTY,
    "llm.presence_penalty": v.GEN_AI_REQUEST_PRESENCE_PENALTY,
    "llm.top_k": v.GEN_AI_REQUEST_TOP_K,
    "llm.chat.stop_sequences": v.GEN_AI_REQUEST_STOP_SEQUENCES,
    "gen_ai.openai.request.seed": v.GEN_AI_REQUEST_SEED,
    "gen_ai.openai.request.service_tier": v.OPENAI_REQUEST_SERVICE_TIER,
    "gen_ai.request.reasoning_effort": v.GEN_AI_REQUEST_REASONING_LEVEL,
    "llm.request.reasoning_effort": v.GEN_AI_REQUEST_REASONING_LEVEL,
    "llm.request.type": v.GEN_AI_OPERATION_NAME,
    "llm.is_streaming": v.GEN_AI_REQUEST_STREAM,
    "llm.response.finish_reason": v.GEN_AI_RESPONSE_FINISH_REASONS,
    "llm.response.stop_reason": v.GEN_AI_RESPONSE_FINISH_REASONS,
    "llm.usage.prompt_tokens": v.GEN_AI_USAGE_INPUT_TOKENS,
    "llm.usage.completion_tokens": v.GEN_AI_USAGE_OUTPUT_TOKENS,
    "llm.usage.reasoning_tokens": v.GEN_AI_USAGE_REASONING_TOKENS,
    # OpenInference
    "llm.model_name": v.GEN_AI_REQUEST_MODEL,
    "embedding.model_name": v.GEN_AI_REQUEST_MODEL,
    "llm.provider": v.GEN_AI_PROVIDER_NAME,
    "llm.system": v.GEN_AI_PROVIDER_NAME,
    "llm.finish_reason": v.GEN_AI_RESPONSE_FINISH_REASONS,
    "llm.token_count.prompt": v.GEN_AI_USAGE_INPUT_TOKENS,
    "llm.token_count.completion": v.GEN_AI_USAGE_OUTPUT_TOKENS,
    "llm.token_count.prompt_details.cache_read": v.GEN_AI_USAGE_CACHE_READ_TOKENS,
    "llm.token_count.prompt_details.cache_write": v.GEN_AI_USAGE_CACHE_WRITE_TOKENS,
    "llm.token_count.prompt_details.audio": v.GEN_AI_USAGE_AUDIO_INPUT_TOKENS,
    "llm.token_count.completion_details.reasoning": v.GEN_AI_USAGE_REASONING_TOKENS,
    "llm.token_count.completion_details.audio": v.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
    "tool.name": v.GEN_AI_TOOL_NAME,
    "tool.id": v.GEN_AI_TOOL_CALL_ID,
    "tool_call.id": v.GEN_AI_TOOL_CALL_ID,
    "agent.name": v.GEN_AI_AGENT_NAME,
}
"""Attributes that only changed their name. Where two are set the conventional one wins, then the first here.
"""

TOTALS: Final = ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total")
"""Sums of input and output: they say whether the input holds the cached tokens."""
WITHOUT_CACHES: Final = ("genai.bedrock", "instrumentation.bedrock", "botocore", "boto3")
"""Parts of the names of instrumentations whose input leaves cached tokens out, and which tell no sum."""

DROPPED: Final = frozenset(
    {
        "llm.usage.total_tokens",
        "gen_ai.usage.total_tokens",
        "llm.token_count.total",
        "input.mime_type",
        "output.mime_type",
    }
)
"""Sums of other attributes, and types of values that move into the payload."""

CONTENT: Final[Mapping[str, str]] = {
    "gen_ai.prompt": "input",
    "gen_ai.completion": "output",
    "gen_ai.content.prompt": "input",
    "gen_ai.content.completion": "output",
    "tool.parameters": "arguments",
}
"""Attributes that hold a whole payload field."""

INDEXED: Final[Mapping[str, str]] = {
    "gen_ai.prompt.": "input",
    "gen_ai.completion.": "output",
    "llm.prompts.": "input",
    "llm.completions.": "output",
    "llm.choices.": "output",
    "llm.input_messages.": "input",
    "llm.output_messages.": "output",
    "llm.request.functions.": "tools",
    "llm.tools.": "tools",
    "retrieval.documents.": "documents",
    "embedding.embeddings.": "input",
}
"""Prefixes of flattened lists, and the payload field that each list is."""
INDEXED_PREFIXES: Final = tuple(INDEXED)

BOXES: Final[Mapping[str, bool]] = {
    "input.value": True,
    "traceloop.entity.input": True,
    "output.value": False,
    "traceloop.entity.output": False,
}
"""Attributes whose field depends on what the span does; True for what goes in, False for what comes out."""

OPERATION_OF_KIND: Final[Mapping[str, str]] = {
    "llm": v.OPERATION_CHAT,
    "embedding": v.OPERATION_EMBEDDINGS,
    "tool": v.OPERATION_EXECUTE_TOOL,
    "agent": v.OPERATION_INVOKE_AGENT,
    "retriever": v.OPERATION_RETRIEVAL,
}
"""Span kinds of OpenInference (`openinference.span.kind`) and Traceloop (`traceloop.span.kind`), in lower
case.
"""

OPERATIONS: Final[Mapping[str, str]] = {
    "completion": v.OPERATION_TEXT_COMPLETION,
    "embedding": v.OPERATION_EMBEDDINGS,
    "response": v.OPERATION_CHAT,
    "responses": v.OPERATION_CHAT,
    "message": v.OPERATION_CHAT,
}
"""Old values of the operation name."""

PROVIDERS: Final[Mapping[str, str]] = {
    "az.ai.openai": "azure.ai.openai",
    "az.ai.inference": "azure.ai.inference",
    "azure": "azure.ai.openai",
    "aws": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "gemini": "gcp.gemini",
    "vertexai": "gcp.vertex_ai",
    "vertex_ai": "gcp.vertex_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
}
"""Old values of the provider name."""
