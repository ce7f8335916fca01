"""The spellings of one model's name: what gateways, clouds and frameworks put in front of it.

A prefix names a provider (`anthropic/claude-…`, `bedrock/…`, `azure/…`), a path (`publishers/google/models/…`) or a
region (`eu.anthropic.claude-…`). `resolutions` lists who and what a name can mean, the most telling first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

_PATHS: Final = re.compile(r"^(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/([^/]+)/)?models/", re.IGNORECASE)
_ROUTES: Final[Mapping[str, str | None]] = {
    "anthropic": "anthropic", "openai": "openai", "azure": "azure", "azure_ai": "azure", "bedrock": "aws",
    "bedrock_converse": "aws", "converse": "aws", "invoke": "aws", "sagemaker": "aws", "gemini": "google",
    "google": "google", "google_genai": "google", "google-gla": "google", "google-vertex": "google",
    "vertex_ai": "google", "vertexai": "google", "palm": "google", "groq": "groq", "mistral": "mistral",
    "mistralai": "mistral", "xai": "x-ai", "x-ai": "x-ai", "deepseek": "deepseek", "cohere": "cohere",
    "cohere_chat": "cohere", "moonshot": "moonshotai", "moonshotai": "moonshotai", "together_ai": "together",
    "together": "together", "fireworks_ai": "fireworks", "fireworks": "fireworks", "perplexity": "perplexity",
    "openrouter": "openrouter", "cerebras": "cerebras", "voyage": "voyageai", "zai": "zai",
    "litellm_proxy": None, "litellm": None, "text-completion-openai": "openai", "openai-chat": "openai",
    "openai-responses": "openai", "responses": None, "models": None, "openai_like": None, "custom_openai": None,
}  # fmt: skip
"""First part of a name as gateways and frameworks write it → id of the price data, None for one that says nothing."""
_VENDOR: Final = re.compile(
    r"^(?:arn:aws[^:]*:bedrock:|(?:[a-z]{2,6}(?:-gov)?\.)?(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|qwen"
    r"|openai|writer|twelvelabs|stability|luma|moonshot|minimax|google|nvidia|zai)\.)",
    re.IGNORECASE,
)
"""Names of Bedrock: a vendor and a dot, perhaps with a region before, or an ARN."""
_OPEN_WEIGHTS: Final = re.compile(
    r"^(?:gpt-oss|llama|meta-llama|qwen|qwq|deepseek|mistral|mixtral|ministral|devstral|magistral|codestral|gemma|phi"
    r"|kimi|glm|command|yi-|falcon|granite|nemotron|olmo|smollm)",
    re.IGNORECASE,
)
"""Weights that anybody may serve: the name alone does not tell whose price holds."""

Resolution = tuple[str | None, str]
"""Provider id of the price data (None: whoever the name belongs to), and the model."""


def resolutions(provider: str | None, model: str) -> Iterator[Resolution]:
    """Who and what a model's name can mean, the most telling first.

    Args:
        provider: id of the price data, None where the server is not known to it.
        model: as it was asked for or answered.
    """
    yield provider, model
    name, named = stripped(model)
    if name != model:
        if named is not None:
            yield named, name
        if provider is not None and provider != named:
            yield provider, name
    if _VENDOR.match(name) and "aws" not in (provider, named):
        yield "aws", name
    if provider is None and named is None and name != model:
        yield None, name


def stripped(model: str) -> tuple[str, str | None]:
    """The name without paths and routes, and the provider that they name (id of the price data)."""
    name, named = model, None
    for _ in range(4):
        path = _PATHS.match(name)
        if path is not None:
            name, named = name[path.end() :], named or _ROUTES.get((path.group(1) or "").lower()) or "google"
            continue
        first, slash, rest = name.partition("/")
        if not slash or not rest or first.lower() not in _ROUTES or named == "openrouter":
            break
        name, named = rest, _ROUTES[first.lower()] or named
    return name, named


def anybody_serves(model: str) -> bool:
    """Whether the name is one of open weights, which says nothing about who was paid."""
    return _OPEN_WEIGHTS.match(stripped(model)[0].rpartition("/")[2]) is not None


_OWNERS: Final = (
    (re.compile(r"^(?:gpt-|chatgpt-|o[134](?:-|$)|text-embedding-[3a]|whisper-1|tts-1|dall-e|sora|codex-|ft:gpt-)"),
     "openai"),
    (re.compile(r"^claude"), "anthropic"),
    (re.compile(r"^gemini"), "gcp.gemini"),
    (re.compile(r"^grok"), "x_ai"),
)  # fmt: skip


def owner_of(model: str) -> str | None:
    """GenAI provider name of whoever makes a closed model; None where the name does not tell."""
    name = stripped(model)[0].rpartition("/")[2].lower()
    if anybody_serves(name):
        return None
    return next((owner for pattern, owner in _OWNERS if pattern.match(name)), None)
