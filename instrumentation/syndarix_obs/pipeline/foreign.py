"""Translates other libraries' attributes to GenAI names and moves their content into the payload."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pipeline import langfuse, vercel
from syndarix_obs.pipeline import spellings as s
from syndarix_obs.pipeline.decode import decoded, unflatten
from syndarix_obs.pricing.usage import count
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.frameworks import KIND_NAMES

_INTERESTING: Final = (
    "llm.",
    "gen_ai.",
    "openinference.",
    "traceloop.",
    "embedding.",
    "retrieval.",
    "input.",
    "output.",
    "tool",
    "agent.",
    "openai.",
    "langfuse.",
)
_USAGE_OBJECT: Final = "metadata.usage_object"
_LONGEST_USAGE: Final = 10_000
_PARAMETERS: Final = "llm.invocation_parameters"
_START_OF_ANSWER: Final = 16_384
_LANGCHAIN_ID: Final = re.compile(
    r'"response_metadata": ?\{.*?"id": ?"((?:msg_|chatcmpl-|resp_|gen-)[\w-]+)"', re.DOTALL
)
_NAMED: Final = (
    "max_tokens", "temperature", "top_p", "top_k", "stream", "seed", "frequency_penalty", "presence_penalty",
)  # fmt: skip
_CONTENT: Final = frozenset({"messages", "input", "tools", "functions", "system", "instructions", "prompt"})
_VECTOR: Final = ".embedding.vector"
_ENTITY_NAME: Final = "traceloop.entity.name"
_IDS: Final = (v.SESSION_ID, v.GEN_AI_CONVERSATION_ID, v.USER_ID, v.GEN_AI_AGENT_NAME)
# Where the input and the output of an operation belong.
_FIELDS: Final[Mapping[str | None, tuple[str, str]]] = {
    v.OPERATION_EXECUTE_TOOL: ("arguments", "result"),
    v.OPERATION_RETRIEVAL: ("query", "documents"),
}


def translate(span: FinishedSpan) -> None:
    """Translate one span in place. Spans that have nothing to do with models are left as they are."""
    vercel.translate(span)
    langfuse.translate(span)
    attributes = span.attributes
    # In order of name: where two old names say the same, `llm.provider` comes before the vaguer `llm.system`.
    old = sorted(name for name in attributes if name.startswith(_INTERESTING))
    if not old:
        return
    total = next((attributes[name] for name in s.TOTALS if name in attributes), None)
    lists: dict[str, list[tuple[str, Any]]] = {}
    boxes: list[tuple[bool, Any]] = []
    for name in old:
        _take(name, span, lists, boxes)
    _fix_values(attributes)
    _add_caches(span, total)
    _name_agent(attributes)
    _whole_usage(span)
    for prefix, items in lists.items():
        span.payload.setdefault(s.INDEXED[prefix], unflatten(items))
    _open_boxes(span, boxes)


def _take(
    name: str, span: FinishedSpan, lists: dict[str, list[tuple[str, Any]]], boxes: list[tuple[bool, Any]]
) -> None:
    attributes = span.attributes
    if (new := s.RENAMED.get(name)) is not None:
        _rename(attributes, name, new)
    elif name in s.DROPPED:
        del attributes[name]
    elif name in s.CONTENT:
        span.payload.setdefault(s.CONTENT[name], decoded(attributes.pop(name)))
    elif name in s.BOXES:
        boxes.append((s.BOXES[name], attributes.pop(name)))
    elif name == _PARAMETERS:
        _parameters(span, decoded(attributes.pop(name)))
    elif name.startswith(s.INDEXED_PREFIXES):
        prefix = next(prefix for prefix in s.INDEXED_PREFIXES if name.startswith(prefix))
        value = attributes.pop(name)
        if not name.endswith(_VECTOR):  # thousands of numbers that nobody reads
            lists.setdefault(prefix, []).append((name[len(prefix) :], value))


def _rename(attributes: dict[str, Any], old: str, new: str) -> None:
    value = attributes.pop(old)
    if attributes.get(new) is None:
        attributes[new] = value


def _parameters(span: FinishedSpan, parameters: Any) -> None:
    """OpenInference's request parameters: those with a name of their own become attributes, tools are
    content.
    """
    if not isinstance(parameters, Mapping):
        return
    for name in _NAMED:
        value = parameters.get(name)
        if isinstance(value, int | float):
            span.attributes.setdefault(f"gen_ai.request.{name}", value)
    if parameters.get("tools"):
        span.payload.setdefault("tools", parameters["tools"])
    span.payload.setdefault("parameters", {k: value for k, value in parameters.items() if k not in _CONTENT})


def _fix_values(attributes: dict[str, Any]) -> None:
    """Old values of the names that stayed, and the operation where only the span's kind says it."""
    provider = attributes.get(v.GEN_AI_PROVIDER_NAME)
    if isinstance(provider, str):
        provider = provider.lower()
        attributes[v.GEN_AI_PROVIDER_NAME] = s.PROVIDERS.get(provider, provider)
    _operation(attributes)
    reasons = attributes.get(v.GEN_AI_RESPONSE_FINISH_REASONS)
    if isinstance(reasons, str):
        attributes[v.GEN_AI_RESPONSE_FINISH_REASONS] = [reasons]
    for name in _IDS:
        if name in attributes and not isinstance(attributes[name], str):
            attributes[name] = str(attributes[name])


def _operation(attributes: dict[str, Any]) -> None:
    operation = attributes.get(v.GEN_AI_OPERATION_NAME)
    kinds = [str(attributes[name]).lower() for name in KIND_NAMES if name in attributes]
    if operation is not None:
        attributes[v.GEN_AI_OPERATION_NAME] = s.OPERATIONS.get(str(operation), str(operation))
    elif kinds:
        operation = s.OPERATION_OF_KIND.get(kinds[0])
        if operation is not None:
            attributes[v.GEN_AI_OPERATION_NAME] = operation
    elif v.GEN_AI_USAGE_INPUT_TOKENS in attributes and v.GEN_AI_REQUEST_MODEL in attributes:
        attributes[v.GEN_AI_OPERATION_NAME] = v.OPERATION_CHAT
    entity = attributes.get(_ENTITY_NAME)
    if entity is not None and kinds and kinds[0] in ("tool", "agent"):
        attributes.setdefault(v.GEN_AI_TOOL_NAME if kinds[0] == "tool" else v.GEN_AI_AGENT_NAME, str(entity))


def _add_caches(span: FinishedSpan, total: Any) -> None:
    """Some libraries pass on the input as Bedrock and Anthropic count it: without what came from or went to a cache.

    The total says which it is; where a library tells none, its name does.
    """
    a = span.attributes
    caches = count(a.get(v.GEN_AI_USAGE_CACHE_READ_TOKENS)) + count(a.get(v.GEN_AI_USAGE_CACHE_WRITE_TOKENS))
    if not caches or v.GEN_AI_USAGE_INPUT_TOKENS not in a:
        return
    tokens_in, tokens_out = count(a.get(v.GEN_AI_USAGE_INPUT_TOKENS)), count(a.get(v.GEN_AI_USAGE_OUTPUT_TOKENS))
    if total is not None:
        beside = count(total) == tokens_in + tokens_out + caches
    else:
        beside = any(name in span.scope[0] for name in s.WITHOUT_CACHES)
    if beside:
        a[v.GEN_AI_USAGE_INPUT_TOKENS] = tokens_in + caches


def _whole_usage(span: FinishedSpan) -> None:
    """LiteLLM's own callback tells the totals by name, and all classes only as the text of a Python dict."""
    text = span.attributes.get(_USAGE_OBJECT)
    if not isinstance(text, str) or len(text) > _LONGEST_USAGE or "usage" in span.payload:
        return
    try:
        usage = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return
    if isinstance(usage, dict):
        span.payload["usage"] = usage


def _name_agent(attributes: dict[str, Any]) -> None:
    """LangChain says the agent of each step in its metadata."""
    metadata = attributes.get("metadata")
    if v.GEN_AI_AGENT_NAME in attributes or not isinstance(metadata, str) or "lc_agent_name" not in metadata:
        return
    found = decoded(metadata)
    name = found.get("lc_agent_name") if isinstance(found, dict) else None
    if isinstance(name, str) and name:
        attributes[v.GEN_AI_AGENT_NAME] = name


def _open_boxes(span: FinishedSpan, boxes: list[tuple[bool, Any]]) -> None:
    """Generic input and output, into the fields of what the span does; the messages themselves, if there,
    win.
    """
    operation = span.attributes.get(v.GEN_AI_OPERATION_NAME)
    into, out = _FIELDS.get(operation, ("input", "output"))
    for is_input, value in boxes:
        if not is_input and operation in v.LLM_OPERATIONS:
            _response_id(span.attributes, value)
        span.payload.setdefault(into if is_input else out, decoded(value))


def _response_id(attributes: dict[str, Any], output: Any) -> None:
    """LangChain keeps the provider's id of an answer inside of it: what other reports of the call name it by."""
    if v.GEN_AI_RESPONSE_ID in attributes or not isinstance(output, str):
        return
    found = _LANGCHAIN_ID.search(output[:_START_OF_ANSWER])
    if found is not None:
        attributes[v.GEN_AI_RESPONSE_ID] = found.group(1)
