"""Which spans are an agent framework's: by their instrumentation scope, and by the kind that two dialects give them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v

FRAMEWORKS: Final = re.compile(
    r"langchain|langgraph|llama|crewai|agents|litellm|dspy|haystack|smolagents|pydantic|autogen|strands|adk|semantic"
    r"|instructor|agno|beeai|portkey|traceloop\.tracer|^ai$|vercel|mastra|spring|logfire|agent_framework|promptflow",
    re.IGNORECASE,
)
"""In the names of their scopes."""
KIND_NAMES: Final = ("openinference.span.kind", "traceloop.span.kind", "langfuse.observation.type")
"""Attributes by which OpenInference, Traceloop and Langfuse tell what a span is."""
_OWN: Final = "syndarix_obs"
RUN_KINDS: Final = frozenset({"agent", "chain", "workflow"})
"""Kinds of a span around a whole run."""


def kind_in(attributes: Mapping[str, Any]) -> str | None:
    """The kind that a dialect gives a span, in lower case; None where none does."""
    return next((str(attributes[name]).lower() for name in KIND_NAMES if attributes.get(name)), None)


def is_run(scope: str, attributes: Mapping[str, Any], *, ended: bool) -> bool:
    """Whether a root span stands for a framework's run, which is a session where there is no other.

    Args:
        scope: its instrumentation scope.
        attributes: as far as they are known.
        ended: True when all are there; some frameworks tell what a span is only when it ends.
    """
    kind = kind_in(attributes)
    if kind is None:
        told = ended or scope.startswith(_OWN) or v.GEN_AI_OPERATION_NAME in attributes
        return not told and FRAMEWORKS.search(scope) is not None
    return kind in RUN_KINDS
