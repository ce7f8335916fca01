"""Which of the installed GenAI libraries are watched, by whom, and which package would watch the others.

Reads the metadata of installed packages only: nothing is imported, so `doctor` can ask it about any environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution
from typing import Final, Literal

from syndarix_obs.integrations import instrumentors

State = Literal["watched", "not watched", "conflict"]


@dataclass(frozen=True, slots=True)
class Library:
    """A library that calls models: who can watch it (entry point names), and the package that does it best.

    `ours` is True for clients that we watch ourselves, `itself` for libraries that open spans of their own. `through`
    says what of it is counted without any package.
    """

    instrumentors: tuple[str, ...] = ()
    package: str = ""
    ours: bool = False
    itself: bool = False
    through: str = ""


_CLIENTS: Final = "calls through the openai and anthropic clients are counted; its tree and tools are not seen"

LIBRARIES: Final[Mapping[str, Library]] = {
    "openai": Library(("openai",), "opentelemetry-instrumentation-genai-openai", ours=True),
    "anthropic": Library(("anthropic",), "opentelemetry-instrumentation-genai-anthropic", ours=True),
    "google-genai": Library(("google_genai",), ours=True),
    "boto3": Library(
        ("bedrock",), "opentelemetry-instrumentation-genai-bedrock", through="of interest only where it calls Bedrock"
    ),
    "mistralai": Library(("mistralai", "mistral"), "openinference-instrumentation-mistralai"),
    "cohere": Library(("cohere",), "openinference-instrumentation-cohere"),
    "ollama": Library(("ollama",), "opentelemetry-instrumentation-ollama"),
    "groq": Library(("groq",), "openinference-instrumentation-groq"),
    "together": Library(("together",), "opentelemetry-instrumentation-together"),
    "litellm": Library(("litellm",), ours=True),
    "langchain-core": Library(("langchain",), "openinference-instrumentation-langchain", ours=True),
    "llama-index-core": Library(
        ("llama_index", "llamaindex"), "openinference-instrumentation-llama-index", ours=True
    ),
    "crewai": Library(("crewai",), "openinference-instrumentation-crewai", through=_CLIENTS),
    "dspy": Library(("dspy",), "openinference-instrumentation-dspy"),
    "haystack-ai": Library(("haystack",), "openinference-instrumentation-haystack", through=_CLIENTS),
    "smolagents": Library(("smolagents",), "openinference-instrumentation-smolagents", through=_CLIENTS),
    "openai-agents": Library(("openai_agents",), ours=True),
    "claude-agent-sdk": Library(("claude_agent_sdk",), ours=True),
    "google-adk": Library(("google_adk",), "openinference-instrumentation-google-adk", itself=True),
    "pydantic-ai-slim": Library(("pydantic_ai",), itself=True),
    "strands-agents": Library(("strands",), itself=True),
    "agent-framework-core": Library((), itself=True),
    "autogen-agentchat": Library(("autogen_agentchat", "autogen"), "openinference-instrumentation-autogen-agentchat",
                                 through=_CLIENTS),
    "instructor": Library(("instructor",), "openinference-instrumentation-instructor", through=_CLIENTS),
    "mcp": Library(
        ("mcp",), "openinference-instrumentation-mcp", through="it calls no model; its tool calls are not seen"
    ),
}  # fmt: skip
"""Distribution name → how it can be watched."""


_IN_CODE: Final[Mapping[str, tuple[str, ...]]] = {"opentelemetry-instrumentation-cohere": ("cohere>=4.2.7,<6",)}
"""What instrumentors want of their library by their code, where their metadata do not say it (0.62.4, Nov 2026)."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """One installed library: whether it is watched, by whom or why not, and what to install."""

    library: str
    version: str
    state: State
    by: str
    install: str = ""

    def __str__(self) -> str:
        told = f"{self.library} {self.version}: {self.state}" + (f", {self.by}" if self.by else "")
        return f"{told} (pip install {self.install})" if self.install else told


def coverage() -> list[Coverage]:
    """Every installed library that we know, by name."""
    points = {instrumentors.normal(point.name): point for point in instrumentors.installed()}
    found = []
    for name in sorted(LIBRARIES):
        package = _installed(name)
        if package is not None:
            found.append(_of(name, package.version, LIBRARIES[name], points))
    return found


def _of(name: str, version: str, library: Library, points: Mapping[str, EntryPoint]) -> Coverage:
    if library.ours:
        return Coverage(name, version, "watched", "by syndarix-obs itself")
    for point in (points[each] for each in library.instrumentors if each in points):
        instrumentor = "" if point.dist is None else point.dist.name
        conflict = _conflict(point.dist, name, version)
        if conflict:
            mends = library.package if library.package not in ("", instrumentor) else f"-U {instrumentor}"
            return Coverage(name, version, "conflict", f"{instrumentor} wants {conflict}", mends)
        return Coverage(name, version, "watched", f"by {instrumentor}")
    if library.itself:
        return Coverage(name, version, "watched", "by its own spans, once its tracing is switched on")
    return Coverage(name, version, "not watched", library.through, library.package)


def is_installed(name: str) -> bool:
    """Whether a distribution is installed."""
    return _installed(name) is not None


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _conflict(instrumentor: Distribution | None, library: str, version: str) -> str:
    """What an instrumentor wants of the library, where the installed version is another."""
    try:
        from packaging.requirements import InvalidRequirement, Requirement
        from packaging.utils import canonicalize_name
    except ImportError:  # it comes with the instrumentors
        return ""
    told = [] if instrumentor is None else [*(instrumentor.requires or ()), *_IN_CODE.get(instrumentor.name, ())]
    for text in told:
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            continue
        if canonicalize_name(wanted.name) == canonicalize_name(library) and not wanted.specifier.contains(
            version, prereleases=True
        ):
            return f"{library} {wanted.specifier}"
    return ""
