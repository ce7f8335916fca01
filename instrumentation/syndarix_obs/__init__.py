"""Observability for LLM agents: what an agent did, why, what it cost, and whether it is healthy.

    from syndarix_obs import ObservabilityPlatform

    obs = ObservabilityPlatform.from_env()
    with obs.session(agent="support") as session: ...
"""

from __future__ import annotations

from syndarix_obs.default import (
    agent_session,
    annotate,
    auto_instrument,
    configure,
    context_assembly,
    decision,
    embeddings,
    extract,
    flush,
    get_platform,
    inject,
    llm,
    memory,
    retrieval,
    safety_check,
    session,
    shutdown,
    span,
    task,
    tool,
    tool_call,
)
from syndarix_obs.errors import SettingsError, StoreError, SyndarixObsError
from syndarix_obs.platform import ObservabilityPlatform
from syndarix_obs.settings import Settings

__version__ = "0.1.0"

__all__ = [
    "ObservabilityPlatform",
    "Settings",
    "SettingsError",
    "StoreError",
    "SyndarixObsError",
    "agent_session",
    "annotate",
    "auto_instrument",
    "configure",
    "context_assembly",
    "decision",
    "embeddings",
    "extract",
    "flush",
    "get_platform",
    "inject",
    "llm",
    "memory",
    "retrieval",
    "safety_check",
    "session",
    "shutdown",
    "span",
    "task",
    "tool",
    "tool_call",
]
