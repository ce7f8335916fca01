"""Who answers at an address: compatible services are reached with the same client and another base URL.

A gateway or a server of one's own is nobody that we know: there the model's own name decides, and a name that says
nothing (open weights, a name of one's own) has no price unless the prices file gives it one.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing.model_names import owner_of
from syndarix_obs.records.finished import FinishedSpan

UNKNOWN: Final = "unknown"
"""Provider of an address that nobody knows, as long as the model does not tell it."""

_BY_SUFFIX: Final = (
    ("openai.azure.com", "azure.ai.openai"),
    ("cognitiveservices.azure.com", "azure.ai.openai"),
    ("services.ai.azure.com", "azure.ai.inference"),
    ("models.inference.ai.azure.com", "azure.ai.inference"),
    ("api.openai.com", "openai"),
    ("api.anthropic.com", "anthropic"),
    ("api.deepseek.com", "deepseek"),
    ("api.groq.com", "groq"),
    ("api.x.ai", "x_ai"),
    ("openrouter.ai", "openrouter"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.perplexity.ai", "perplexity"),
    ("api.together.xyz", "together_ai"),
    ("api.together.ai", "together_ai"),
    ("api.fireworks.ai", "fireworks_ai"),
    ("api.cerebras.ai", "cerebras"),
    ("api.cohere.ai", "cohere"),
    ("api.cohere.com", "cohere"),
    ("api.moonshot.ai", "moonshot_ai"),
    ("api.moonshot.cn", "moonshot_ai"),
    ("api.novita.ai", "novita"),
    ("router.huggingface.co", "huggingface"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("amazonaws.com", "aws.bedrock"),
    ("ml.cloud.ibm.com", "ibm.watsonx.ai"),
    ("api.z.ai", "zai"),
    ("open.bigmodel.cn", "zhipuai"),
    ("api.minimax.io", "minimax"),
    ("dashscope.aliyuncs.com", "alibaba_cloud"),
    ("dashscope-intl.aliyuncs.com", "alibaba_cloud"),
    ("integrate.api.nvidia.com", "nvidia"),
    ("api.sambanova.ai", "sambanova"),
    ("inference.baseten.co", "baseten"),
    ("api.voyageai.com", "voyageai"),
)
_MOST_CACHED: Final = 1024


def name_provider(span: FinishedSpan) -> None:
    """At an address that nobody knows, the model says whose it is. On the worker."""
    attributes = span.attributes
    if attributes.get(v.GEN_AI_PROVIDER_NAME) != UNKNOWN:
        return
    for name in (v.GEN_AI_RESPONSE_MODEL, v.GEN_AI_REQUEST_MODEL):
        model = attributes.get(name)
        owner = owner_of(model) if isinstance(model, str) else None
        if owner is not None:
            attributes[v.GEN_AI_PROVIDER_NAME] = owner
            return


def provider_at(host: str, default: str = UNKNOWN) -> str:
    """GenAI provider name of a host; `default` for one that is not known (a proxy, a server of one's own)."""
    host = host.lower().rstrip(".")
    for suffix, provider in _BY_SUFFIX:
        if host == suffix or host.endswith(("." + suffix, "-" + suffix)):
            return provider
    return default


class ProviderNames:
    """The provider that a client talks to, looked up once per base URL.

    Args:
        default: the client's own provider, for a client without an address.
    """

    def __init__(self, default: str) -> None:
        self._default = default
        # Keyed by the URL object's identity, which costs the caller nothing; the object is kept, so it stays unique.
        self._cache: dict[int, tuple[Any, str]] = {}

    def of(self, client: Any) -> str:
        """GenAI provider name of an OpenAI or Anthropic client."""
        url = getattr(client, "_base_url", None)
        cached = self._cache.get(id(url))
        if cached is not None:
            return cached[1]
        name = self._look_up(client, url)
        if len(self._cache) >= _MOST_CACHED:
            self._cache.clear()
        self._cache[id(url)] = (url, name)
        return name

    def _look_up(self, client: Any, url: Any) -> str:
        named = getattr(client, "_gen_ai_provider_name", None)  # anthropic's clients for Bedrock and Vertex say it
        if isinstance(named, str) and named != self._default:
            return named
        if "Azure" in type(client).__name__:
            return "azure.ai.openai"
        host = urlsplit(str(url)).hostname
        return provider_at(host) if host else self._default
