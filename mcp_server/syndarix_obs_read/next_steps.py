"""What to do next, as data: an error carries it, and each face words it as its own readers would do it.

A step is a sequence of parts: plain text, a question of the catalogue, an argument of questions, or a command that only
exists at a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from syndarix_obs_read.catalogue import Face

_TOOLS: Final = {
    "sessions": "list_sessions", "traces": "search_traces", "session": "get_session", "trace": "get_trace",
    "costs": "get_cost_summary", "errors": "get_errors", "agents": "get_agent_stats", "decisions": "get_decisions",
    "logs": "search_logs", "diff": "diff_runs", "health": "get_health", "timeline": "get_timeline",
    "explain": "explain_trace", "anomalies": "list_anomalies", "step": "get_step",
}  # fmt: skip
"""The tool that answers a question; a test holds it to the tools that there are."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Another question, such as `Ask("sessions", {"status": "running"})`; `id` names the one thing it is about."""

    question: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument that questions take, such as `since`, with a value where one is meant."""

    name: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A command for a terminal, whichever face says it."""

    command: str


Part = str | Ask | Argument | Run
Steps = Sequence[Part]

NARROW: Final[Steps] = ("ask for a shorter time (", Argument("since"), ") or add a filter")
"""What helps when an answer takes too long."""


def worded(steps: Steps, face: Face) -> str:
    """The steps as one face says them."""
    ask, argument = _WORDS[face]
    said = []
    for part in steps:
        if isinstance(part, Ask):
            said.append(ask(part))
        elif isinstance(part, Argument):
            said.append(argument(part))
        else:
            said.append(f"`{part.command}`" if isinstance(part, Run) else part)
    return "".join(said)


def _command(ask: Ask) -> str:
    options = [f"--{name.replace('_', '-')} {value}".rstrip() for name, value in ask.arguments.items()]
    return f"`{' '.join(filter(None, ('syndarix-obs', ask.question, ask.id, *options)))}`"


def _option(argument: Argument) -> str:
    return f"--{argument.name.replace('_', '-')} {argument.value}".rstrip()


def _tool(ask: Ask) -> str:
    arguments = ", ".join(f"{name}={value}" for name, value in ask.arguments.items())
    name = _TOOLS.get(ask.question, ask.question)
    return f"{name}({arguments})" if arguments else name


def _parameter(argument: Argument) -> str:
    return f"`{argument.name}={argument.value}`" if argument.value else f"`{argument.name}`"


def _page(ask: Ask) -> str:
    arguments = ", ".join(f"{name} {value}" for name, value in ask.arguments.items())
    return f"the page {ask.question.capitalize()}" + (f" with {arguments}" if arguments else "")


def _field(argument: Argument) -> str:
    return f"`{argument.name}`" + (f" {argument.value}" if argument.value else "")


_WORDS: Final[Mapping[Face, tuple[Callable[[Ask], str], Callable[[Argument], str]]]] = {
    "cli": (_command, _option), "mcp": (_tool, _parameter), "web": (_page, _field),
}  # fmt: skip
