"""Provider names of the GenAI conventions, and of libraries that predate them, as the price data spells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PRICE_DATA_ID: Final[Mapping[str, str]] = {
    "aws.bedrock": "aws",
    "aws_bedrock": "aws",
    "amazon_bedrock": "aws",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure_openai": "azure",
    "azure-openai": "azure",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "vertex_ai": "google",
    "vertexai": "google",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "moonshot_ai": "moonshotai",
    "together_ai": "together",
    "togetherai": "together",
    "fireworks_ai": "fireworks",
    "x_ai": "x-ai",
    "xai": "x-ai",
}
_NOBODY: Final = frozenset({"", "unknown", "_other", "other", "langchain", "litellm"})


def price_data_id(provider: str | None) -> str | None:
    """The price data's id of a provider; None for names that name nobody, when only the model can tell."""
    if provider is None:
        return None
    name = provider.strip().lower()
    return None if name in _NOBODY else _PRICE_DATA_ID.get(name, name)
