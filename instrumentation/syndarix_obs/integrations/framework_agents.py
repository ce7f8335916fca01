"""The agent that a framework is running just now, where it says so in a place of its own and opens no span for it."""

from __future__ import annotations

import sys
from typing import Any, Final

_LANGCHAIN: Final = "langchain_core.runnables.config"
_NAMES: Final = ("lc_agent_name", "agent_name")


def running_agent() -> str | None:
    """Name of the agent whose step this is, None outside of every framework. In the caller's thread; never raises."""
    config = sys.modules.get(_LANGCHAIN)
    if config is None:
        return None
    try:
        current: Any = config.var_child_runnable_config.get()
        metadata = (current or {}).get("metadata") or {}
        found = next((metadata[name] for name in _NAMES if metadata.get(name)), None)
    except Exception:  # noqa: BLE001 - another version of the framework, which keeps it elsewhere
        return None
    return found if isinstance(found, str) else None
