"""Messages are written for the command line; over MCP they name tools and arguments instead."""

from __future__ import annotations

import re
from typing import Final

_COMMANDS: Final = {
    "sessions": "list_sessions", "traces": "search_traces", "session": "get_session", "trace": "get_trace",
    "costs": "get_cost_summary", "errors": "get_errors", "agents": "get_agent_stats", "decisions": "get_decisions",
    "logs": "search_logs", "health": "get_health", "timeline": "get_timeline", "explain": "explain_trace",
}  # fmt: skip
_NAMES: Final = "|".join(sorted(_COMMANDS, key=len, reverse=True))
_COMMAND: Final = re.compile(rf"`syndarix-obs ({_NAMES})(?: [A-Z]+)?((?: --[^`]*)?)`")
_QUOTED: Final = re.compile(r"`--([a-z-]+)(?: ([^`]+))?`")
_OPTION: Final = re.compile(r"(?<![\w`-])--(since|until|limit|agent|project|user|session|model|tool|status|kind|by)\b")


def for_tools(message: str) -> str:
    """A message with tools for commands and arguments for options; other commands stay, for people run them."""
    return _OPTION.sub(r"`\1`", _QUOTED.sub(_argument, _COMMAND.sub(_tool, message)))


def _tool(found: re.Match[str]) -> str:
    options = found[2].replace(" --", ", ").strip(", ").replace(" ", "=")
    return f"{_COMMANDS[found[1]]}({options})" if options else _COMMANDS[found[1]]


def _argument(found: re.Match[str]) -> str:
    name = found[1].replace("-", "_")
    return f"`{name}={found[2]}`" if found[2] else f"`{name}`"
