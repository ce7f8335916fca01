"""The OpenTelemetry instrumentors of GenAI libraries: which entry points are meant, and how to switch one on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

GROUP: Final = "opentelemetry_instrumentor"
"""Entry point group in which instrumentors announce themselves."""

GENAI_NAMES: Final = frozenset(
    {
        # Providers' clients.
        "openai", "anthropic", "alephalpha", "bedrock", "cohere", "google_genai", "google_generativeai", "groq",
        "mistral", "mistralai", "ollama", "portkey", "replicate", "sagemaker", "together", "vertexai", "vertex_ai",
        "voyageai", "watsonx", "writer", "litellm", "transformers",
        # Agent frameworks.
        "agno", "autogen", "autogen_agentchat", "beeai", "claude_agent_sdk", "crewai", "dspy", "google_adk",
        "guardrails", "haystack", "instructor", "langchain", "langgraph", "llama_index", "llamaindex", "mcp",
        "openai_agents", "promptflow", "pydantic_ai", "semantic_kernel", "smolagents", "strands",
        # Vector stores.
        "chromadb", "lancedb", "marqo", "milvus", "pinecone", "qdrant", "weaviate",
    }
)  # fmt: skip
"""Entry point names that belong to GenAI libraries, `-` written as `_`. `botocore` is not among them, as it watches all
of AWS; switch it on yourself with `tracer_provider=obs.tracer_provider` if you want Bedrock through boto3."""

CAPTURE_CONTENT: Final[Mapping[str, str]] = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
    "TRACELOOP_TRACE_CONTENT": "true",
}
"""Variables that make the instrumentors put messages on spans of each call, where redaction and payload capture find
them."""

OWN_SPANS: Final[Mapping[str, str]] = {
    # LiteLLM's own callback writes onto the span around it where there is one: each call over the one before.
    "USE_OTEL_LITELLM_REQUEST_SPAN": "true",
}
"""Variables without which a library's calls are lost, whatever is captured."""


def normal(name: str) -> str:
    """An entry point's name as in `GENAI_NAMES`."""
    return name.lower().replace("-", "_").removesuffix("_instrumentor")


PREFERRED: Final = frozenset({"openinference-instrumentation-cohere"})
"""Distributions that come before others with an instrumentor of the same name: those keep to old versions."""


def installed() -> list[EntryPoint]:
    """The installed instrumentors of GenAI libraries, by name."""
    points = [point for point in entry_points(group=GROUP) if normal(point.name) in GENAI_NAMES]
    points.sort(key=lambda point: point.dist is not None and point.dist.name in PREFERRED)
    found = {point.name: point for point in points}
    return [found[name] for name in sorted(found)]


def switch_on(point: EntryPoint, tracer_provider: Any) -> Any | None:
    """Load an instrumentor and switch it on; None where its library is missing or it is on already.

    Raises:
        Exception: whatever the instrumentor raises.
    """
    instrumentor = point.load()()
    if getattr(instrumentor, "is_instrumented_by_opentelemetry", False):
        return None
    conflicts = getattr(instrumentor, "_check_dependency_conflicts", None)
    if conflicts is not None and conflicts() is not None:
        return None
    instrumentor.instrument(tracer_provider=tracer_provider, skip_dep_check=True)
    return instrumentor


class Variables:
    """Variables of the environment that are set for as long as they are needed; what the user has set stays."""

    def __init__(self) -> None:
        self._set: dict[str, str] = {}

    def start(self, wanted: Mapping[str, str]) -> None:
        """Set what is not set."""
        for name, value in wanted.items():
            if name not in os.environ:
                os.environ[name] = self._set[name] = value

    def stop(self) -> None:
        """Unset what we set, unless somebody has changed it since."""
        for name, value in self._set.items():
            if os.environ.get(name) == value:
                del os.environ[name]
        self._set.clear()
