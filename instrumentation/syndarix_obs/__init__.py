"""Observability for LLM agents: what an agent did, why, what it cost, and whether it is healthy.

    from syndarix_obs import ObservabilityPlatform

    obs = ObservabilityPlatform.from_env()
    with obs.session(agent="support") as session: ...
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syndarix_obs.default import (
        agent_session,
        annotate,
        auto_instrument,
        budget,
        call_tool,
        configure,
        context_assembly,
        decision,
        embeddings,
        extract,
        feedback,
        flush,
        get_platform,
        inject,
        llm,
        memory,
        outcome,
        replaying,
        retrieval,
        safety_check,
        score,
        session,
        shutdown,
        span,
        task,
        tool,
        tool_call,
    )
    from syndarix_obs.errors import BudgetExceeded, CallRefused, SettingsError, StoreError, SyndarixObsError
    from syndarix_obs.platform import ObservabilityPlatform
    from syndarix_obs.settings import Settings

__version__ = "0.1.0"

__all__ = [
    "BudgetExceeded",
    "CallRefused",
    "ObservabilityPlatform",
    "Settings",
    "SettingsError",
    "StoreError",
    "SyndarixObsError",
    "agent_session",
    "annotate",
    "auto_instrument",
    "budget",
    "call_tool",
    "configure",
    "context_assembly",
    "decision",
    "embeddings",
    "extract",
    "feedback",
    "flush",
    "get_platform",
    "inject",
    "llm",
    "memory",
    "outcome",
    "replaying",
    "retrieval",
    "safety_check",
    "score",
    "session",
    "shutdown",
    "span",
    "task",
    "tool",
    "tool_call",
]

# Loaded at first use (PEP 562): whoever reads a store imports names and schema from here, and needs no platform.
_HOMES = {
    "BudgetExceeded": "errors",
    "CallRefused": "errors",
    "ObservabilityPlatform": "platform",
    "Settings": "settings",
    "SettingsError": "errors",
    "StoreError": "errors",
    "SyndarixObsError": "errors",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'default')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
